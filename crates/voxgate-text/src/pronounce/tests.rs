//! What the pronouncer says, word by word.

use super::*;

fn us(text: &str) -> String {
    crate::Frontend::new(Language::EnUs).unwrap().phonemes(text)
}

fn gb(text: &str) -> String {
    crate::Frontend::new(Language::EnGb).unwrap().phonemes(text)
}

#[test]
fn sentences_of_known_words() {
    assert_eq!(us("Hello, world!"), "həlˈO, wˈɜɹld!");
    assert_eq!(us("The apple and the pear."), "ði ˈæpᵊl ænd ðə pˈɛɹ.");
    assert_eq!(gb("Hello."), "həlˈQ.");
}

#[test]
fn heteronyms_follow_their_part_of_speech() {
    let text = us("They record a new record.");
    assert!(
        text.contains("ɹəkˈɔɹd") && text.contains("ɹˈɛkəɹd"),
        "{text}"
    );
    let text = us("Close the door, we are close.");
    assert!(text.contains("klˈOz") && text.contains("klˈOs"), "{text}");
    let text = us("The Polish man began to polish it.");
    assert!(text.contains("pˈOlɪʃ") && text.contains("pˈɑlɪʃ"), "{text}");
}

#[test]
fn letters_are_spelled_as_one_name() {
    assert_eq!(us("F-B-I"), "ˌɛfbˌiˈI");
    assert_eq!(us("C-E-Os"), "sˌiˌiˈOz");
    assert_eq!(gb("N-Z"), "ˌɛnzˈɛd");
    assert!(us("X-ray").starts_with("ˈɛks") || us("X-ray").contains("ɛks"));
}

#[test]
fn unknown_words_are_guessed_and_never_lost() {
    for word in [
        "zorbulate",
        "Szczepanski",
        "Kubernetes",
        "xkcd",
        "qwrtzp",
        "brrrrr",
        "mmmmmmmmmm",
        "éclairette",
    ] {
        let phonemes = us(word);
        assert!(phonemes.chars().any(is_sound), "{word}: {phonemes}");
        assert!(
            phonemes.chars().all(is_phoneme_symbol),
            "{word}: {phonemes}"
        );
    }
    assert_eq!(us("zorbulate"), us("zorbulate"), "a guess is kept");
}

#[test]
fn endings_of_unknown_words() {
    assert!(us("Zorbulate's").ends_with('s') || us("Zorbulate's").ends_with('z'));
    // A doubled consonant before "ing" is undone, and its stem's sound kept.
    assert!(!us("blogging vlogging").contains("gg"));
}

#[test]
fn accents_fold_for_the_lexicon() {
    assert_eq!(us("café"), us("cafe"));
    assert_eq!(us("naïve"), us("naive"));
}

#[test]
fn digits_left_in_a_text_are_named() {
    assert!(us("7").contains("sˈɛvən"));
}

#[test]
fn nothing_speakable_is_silent() {
    assert_eq!(us(""), "");
    assert_eq!(us("-- ' \u{7}"), "");
}

#[test]
fn the_letter_a_is_not_the_article() {
    assert!(us("A dog barked.").starts_with('ɐ'));
    assert!(us("Vitamin A is good.").contains("ˈA ɪz"));
    assert!(us("A B C").starts_with("ˈA"));
}
