# Completion of thrust for bash: its options, or the command after it and what that completes by itself.
# Made by `rake reference`.

_thrust() {
    local current=${COMP_WORDS[COMP_CWORD]}

    if [[ ${COMP_WORDS[1]} == -* ]]; then
        ((COMP_CWORD > 1)) || COMPREPLY=($(compgen -W '-h --help -v --version --trust' -- "$current"))
    elif declare -F _comp_command_offset >/dev/null; then # bash-completion 2.12 and newer
        _comp_command_offset 1
    elif declare -F _command_offset >/dev/null; then
        _command_offset 1
    elif ((COMP_CWORD == 1)); then
        compopt -o filenames
        COMPREPLY=($(compgen -c -- "$current"))
    else
        compopt -o default
    fi
}

complete -F _thrust thrust
