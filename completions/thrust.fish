# Completion of thrust for fish: its options, or the command after it and what that completes by itself.
# Made by `rake reference`.

complete -c thrust -n '__fish_is_nth_token 1' -s h -l help -d 'how to use it, and every setting with its value here'
complete -c thrust -n '__fish_is_nth_token 1' -s v -l version -d 'version and target'
complete -c thrust -n '__fish_is_nth_token 1' -l trust -d 'have browsers here accept the certificates of TLS_LOCAL'
complete -c thrust -x -a '(__fish_complete_subcommand)'
