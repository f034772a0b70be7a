use super::*;

#[test]
fn a_role_name_has_no_characters_with_a_meaning_in_a_path() {
    for name in ["EcsRole-1", "a.b", "x@y", "_"] {
        assert!(is_role_name(name), "{name}");
    }
    for name in [
        "", ".", "..", "a/b", "../x", "a b", "角色", "a%2f", "<html>", "a?b",
    ] {
        assert!(!is_role_name(name), "{name}");
    }
}
