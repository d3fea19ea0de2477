//! What a password must look like. How it is kept is the services' business.

/// The rule for new passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// The fewest characters (Unicode scalar values).
    pub min_characters: usize,
    /// The most characters: hashing time grows with length, so there is an end to it.
    pub max_characters: usize,
}

impl Default for PasswordPolicy {
    /// 8 to 1,024 characters.
    fn default() -> Self {
        Self {
            min_characters: 8,
            max_characters: 1024,
        }
    }
}

/// Why a password is refused; the text is meant for the person who chose it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidPassword {
    /// One sentence, without the password.
    pub reason: String,
}

impl PasswordPolicy {
    /// Checks a new password against the rule and against the e-mail address it would protect.
    ///
    /// # Errors
    /// [`InvalidPassword`] with the reason.
    pub fn check(&self, password: &str, email: &str) -> Result<(), InvalidPassword> {
        let refuse = |reason: String| Err(InvalidPassword { reason });
        let characters = password.chars().count();
        if characters < self.min_characters {
            return refuse(format!(
                "Password should be at least {} characters",
                self.min_characters
            ));
        }
        if characters > self.max_characters {
            return refuse(format!(
                "Password should be at most {} characters",
                self.max_characters
            ));
        }
        if !email.is_empty() && password.eq_ignore_ascii_case(email) {
            return refuse("Password should not be the e-mail address".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn length_is_counted_in_characters() {
        let policy = PasswordPolicy::default();
        assert!(policy.check("sevenxx", "a@example.com").is_err());
        assert!(policy.check("eightxxx", "a@example.com").is_ok());
        assert!(policy.check("пароль12", "a@example.com").is_ok());
        assert!(policy.check(&"x".repeat(1025), "a@example.com").is_err());
        let reason = policy.check("short", "").unwrap_err().reason;
        assert_eq!(reason, "Password should be at least 8 characters");
    }

    #[test]
    fn the_address_is_no_password() {
        let policy = PasswordPolicy::default();
        assert!(
            policy
                .check("Someone@Example.com", "someone@example.com")
                .is_err()
        );
    }
}
