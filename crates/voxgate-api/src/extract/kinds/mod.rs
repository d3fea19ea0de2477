//! Kinds of value: what each accepts, how it words a refusal, and how the published document describes it.
//!
//! One type per kind, so that the decoder and the OpenAPI schema cannot drift apart. Leniency is that of
//! pydantic's default mode: whole numbers and truth values may arrive as text, text must be text.

mod choice;
mod number;
mod rule;
mod text;

pub use choice::{Choice, Flag, FreeObject, NumberChoice, flag, object, one_of, one_of_numbers};
pub use number::{Int, Real, int, real};
pub use rule::{
    Defaulted, Optional, Patched, Required, Rule, defaulted, optional, patch, required,
};
pub use text::{
    Email, HostName, Id, NewPassword, SpokenText, Text, email, free_text, host_name, new_password,
    password, spoken_text, text, uuid,
};

use serde_json::Value;

use super::DecodeOptions;
use super::fault::Problem;

/// A kind of value.
pub trait Kind {
    /// What the value is once read.
    type Out;

    /// Reads the value.
    ///
    /// # Errors
    /// What is wrong with it.
    fn check(&self, value: &Value, options: &DecodeOptions) -> Result<Self::Out, Problem>;

    /// The JSON schema of exactly the values [`Kind::check`] accepts inside a JSON body.
    fn schema(&self, options: &DecodeOptions) -> Value;

    /// The schema where every value arrives as text (query, path, form); the same unless leniency differs.
    fn text_schema(&self, options: &DecodeOptions) -> Value {
        self.schema(options)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn read(kind: &impl Kind<Out = i64>, value: Value) -> Result<i64, &'static str> {
        kind.check(&value, &DecodeOptions::default())
            .map_err(|problem| problem.kind)
    }

    #[test]
    fn whole_numbers_are_lenient_the_way_pydantic_is() {
        let kind = int(0, 100);
        for (value, expected) in [
            (json!(7), Ok(7)),
            (json!(7.0), Ok(7)),
            (json!("7"), Ok(7)),
            (json!(" +7 "), Ok(7)),
            (json!("1_0"), Ok(10)),
            (json!("7.0"), Ok(7)),
            (json!(true), Ok(1)),
            (json!("1.5"), Err("int_parsing")),
            (json!(""), Err("int_parsing")),
            (json!("1__0"), Err("int_parsing")),
            (json!("٣"), Err("int_parsing")),
            (json!(1.5), Err("int_from_float")),
            (json!(-1), Err("greater_than_equal")),
            (json!(101), Err("less_than_equal")),
            (json!(1e300), Err("less_than_equal")),
            (json!(u64::MAX), Err("less_than_equal")),
            (json!("9".repeat(400)), Err("less_than_equal")),
            (json!([1]), Err("int_type")),
            (Value::Null, Err("int_type")),
        ] {
            assert_eq!(read(&kind, value.clone()), expected, "{value}");
        }
    }

    #[test]
    fn truth_has_many_names() {
        let options = DecodeOptions::default();
        for value in [json!(true), json!("YES"), json!(1), json!("t")] {
            assert!(flag().check(&value, &options).unwrap(), "{value}");
        }
        assert_eq!(
            flag().check(&json!(2), &options).unwrap_err().kind,
            "bool_parsing"
        );
        assert_eq!(
            flag().check(&json!([]), &options).unwrap_err().kind,
            "bool_type"
        );
    }

    #[test]
    fn members_are_listed_in_words() {
        let options = DecodeOptions::default();
        let problem = one_of(&["pending", "success", "failed"])
            .check(&json!("x"), &options)
            .unwrap_err();
        assert_eq!(
            problem.message,
            "Input should be 'pending', 'success' or 'failed'"
        );
        let rates = one_of_numbers(&[8000, 16000]);
        assert_eq!(rates.check(&json!("16000"), &options).unwrap(), 16000);
        assert_eq!(
            rates.check(&json!(1), &options).unwrap_err().message,
            "Input should be 8000 or 16000"
        );
    }

    #[test]
    fn lengths_use_the_singular_for_one() {
        let options = DecodeOptions::default();
        let problem = text().min(1).check(&json!(""), &options).unwrap_err();
        assert_eq!(problem.message, "String should have at least 1 character");
        assert!(text().max(2).check(&json!("日本"), &options).is_ok());
    }
}
