//! What Piper's files do not say in a form a program can read: the gender of well-known voices, and licences.

use std::fs;
use std::path::Path;

use voxgate_engine::Gender;

/// The gender of the published English voices, by data set name; others are [`Gender::Neutral`].
pub(super) fn gender(dataset: &str) -> Gender {
    match dataset {
        "alba"
        | "amy"
        | "cori"
        | "hfc_female"
        | "jenny_dioco"
        | "kathleen"
        | "kristin"
        | "lessac"
        | "ljspeech"
        | "southern_english_female" => Gender::Female,
        "alan"
        | "bryce"
        | "danny"
        | "hfc_male"
        | "joe"
        | "john"
        | "kusal"
        | "norman"
        | "northern_english_male"
        | "ryan" => Gender::Male,
        _ => Gender::Neutral,
    }
}

/// The licence of a voice: from the `MODEL_CARD` its maker publishes beside it, else what is known of it.
pub(super) fn licence(folder: &Path, dataset: &str) -> String {
    fs::read_to_string(folder.join("MODEL_CARD"))
        .ok()
        .as_deref()
        .and_then(licence_of_card)
        .or_else(|| (dataset == "joe").then(|| "CC0".to_owned()))
        .map_or_else(
            || "see the voice's model card".to_owned(),
            |licence| format!("{licence} (training data)"),
        )
}

fn licence_of_card(card: &str) -> Option<String> {
    card.lines()
        .filter_map(|line| line.trim_start_matches(['*', '-', ' ']).split_once(':'))
        .find(|(key, _)| key.eq_ignore_ascii_case("license") || key.eq_ignore_ascii_case("licence"))
        .map(|(_, value)| value.trim().to_owned())
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_card_tells_the_licence() {
        let card = "# Model card\n\n* Language: en_US\n\n## Dataset\n\n* License: CC BY 4.0\n";
        assert_eq!(licence_of_card(card).as_deref(), Some("CC BY 4.0"));
        assert_eq!(licence_of_card("no licence here"), None);
    }

    #[test]
    fn a_voice_without_a_card_says_where_to_look() {
        let nowhere = Path::new("no-such-folder");
        assert_eq!(licence(nowhere, "joe"), "CC0 (training data)");
        assert_eq!(licence(nowhere, "somebody"), "see the voice's model card");
    }
}
