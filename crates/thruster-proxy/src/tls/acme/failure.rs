//! Why there is no certificate, in the CA's words, and what somebody can do about it.

use std::fmt::Write;
use std::time::Duration;

use instant_acme::{Error, Problem};

use super::client::{Refusal, Silence};
use super::roots::NoRoots;

/// What every problem's type begins with (RFC 8555 section 6.7).
const NAMESPACE: &str = "urn:ietf:params:acme:error:";

#[derive(Debug)]
pub struct Failure {
    /// The CA's problem document, or what else went wrong.
    pub why: String,
    /// The problem's type, without what is common to all.
    kind: String,
    /// How long the CA does not want to be asked again.
    pub retry_after: Option<Duration>,
}

impl Failure {
    pub fn new(why: impl Into<String>, kind: &str) -> Self {
        Failure { why: why.into(), kind: kind.to_owned(), retry_after: None }
    }

    pub fn of(problem: &Problem) -> Self {
        let kind = problem.r#type.as_deref().unwrap_or_default();
        Failure::new(words(problem), kind.strip_prefix(NAMESPACE).unwrap_or(kind))
    }

    /// What the same words mean before there is an order: they are about us, not about a name.
    pub fn before_any_order(mut self) -> Self {
        if matches!(self.kind.as_str(), "unauthorized" | "malformed") {
            self.kind = "account".to_owned();
        }
        self
    }

    /// Whether the account we ask for is none of the CA's, or none any more.
    pub fn is_about_account(&self) -> bool {
        self.kind == "accountDoesNotExist"
    }

    /// What to look at, for a name that was to be validated at this port.
    pub fn check(&self, name: &str, port: u16) -> String {
        match self.kind.as_str() {
            "dns" => format!("{name} needs an A or AAAA record that leads to this machine"),
            "connection" | "incorrectResponse" | "unauthorized" | "tls" | "malformed" => format!(
                "the A and AAAA records of {name} lead to this machine, and its port {port} can be \
                 reached from the Internet and is forwarded to thrust"
            ),
            "caa" => format!("the CAA records of {name} let this CA issue certificates"),
            "rejectedIdentifier" | "unsupportedIdentifier" => {
                format!("{name} is a name in the public DNS that this CA certifies")
            }
            "rateLimited" => "nothing but the time: this CA has seen too much of us".to_owned(),
            "externalAccountRequired" => {
                "EAB_KID and EAB_HMAC_KEY, which this CA hands out".to_owned()
            }
            "invalidProfile" => "ACME_PROFILE is one that this CA has".to_owned(),
            "account" | "userActionRequired" | "accountDoesNotExist" => {
                "ACME_DIRECTORY, EAB_KID and EAB_HMAC_KEY; a new account is made when \
                 acme_account+key is removed from STORAGE_PATH"
                    .to_owned()
            }
            "roots" => "the package ca-certificates is installed and up to date, or SSL_CERT_FILE \
                        names a root of the CA; and the clock is right"
                .to_owned(),
            _ => "ACME_DIRECTORY is right and can be reached from this machine".to_owned(),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Api(problem) => Failure::of(&problem),
            Error::Timeout(_) => Failure::new("the CA did not make up its mind", "connection"),
            Error::Other(other) => {
                if let Some(refusal) = other.downcast_ref::<Refusal>() {
                    return Failure::from(refusal);
                }
                let silence = other.downcast_ref::<Silence>();
                let is_distrust = silence.is_some_and(Silence::is_distrust);
                Failure::new(other.to_string(), if is_distrust { "roots" } else { "" })
            }
            error => Failure::new(error.to_string(), ""),
        }
    }
}

impl From<&Refusal> for Failure {
    fn from(refusal: &Refusal) -> Self {
        let failure = match &refusal.problem {
            Some(problem) => Failure::of(problem),
            None => Failure::new(refusal.to_string(), ""),
        };
        Failure { retry_after: refusal.retry_after, ..failure }
    }
}

impl From<NoRoots> for Failure {
    fn from(error: NoRoots) -> Self {
        Failure::new(error.to_string(), "roots")
    }
}

/// All that a problem document says.
fn words(problem: &Problem) -> String {
    let part = |kind: &Option<String>, detail: &Option<String>| {
        let parts = [kind, detail].into_iter().flatten().map(String::as_str);
        parts.collect::<Vec<_>>().join(": ")
    };
    let mut words = part(&problem.r#type, &problem.detail);
    for sub in &problem.subproblems {
        let name = sub.identifier.as_ref().map(|name| name.authorized(false).to_string());
        // Writing into a `String` cannot fail.
        let _ = write!(words, "; {}", part(&name, &sub.r#type));
        if let Some(detail) = &sub.detail {
            let _ = write!(words, ": {detail}");
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_document_is_told_whole() {
        let problem = serde_json::from_str(
            r#"{"type":"urn:ietf:params:acme:error:caa","detail":"Forbidden","subproblems":[
                {"type":"urn:x","detail":"by CAA","identifier":{"type":"dns","value":"a.example"}},
                {"detail":"and again"}]}"#,
        );
        let failure = Failure::of(&problem.expect("a problem document"));
        let expected =
            "urn:ietf:params:acme:error:caa: Forbidden; a.example: urn:x: by CAA; : and again";
        assert_eq!(failure.why, expected);
        assert!(failure.check("a.example", 80).contains("CAA records of a.example"));
    }

    #[test]
    fn advice_names_the_host_and_the_port() {
        let check = |kind| Failure::new("", kind).check("a.example", 443);
        assert!(check("dns").starts_with("a.example needs an A or AAAA record"));
        assert!(check("connection").contains("port 443"));
        assert!(check("externalAccountRequired").contains("EAB_KID"));
        assert!(check("").contains("ACME_DIRECTORY"));
    }
}
