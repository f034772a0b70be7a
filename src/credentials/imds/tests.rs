use super::*;

#[test]
fn a_role_is_a_plain_name_that_no_path_swallows() {
    for name in ["EcsRole-1", "a.b", "x@y", "_"] {
        assert!(is_role_name(name), "{name}");
    }
    for name in [
        "", ".", "..", "a/b", "../x", "a b", "角色", "a%2f", "<html>", "a?b",
    ] {
        assert!(!is_role_name(name), "{name}");
    }
}
