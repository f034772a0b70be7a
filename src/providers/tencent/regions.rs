/// Short region codes of API 2.0, with the names of API 3.0. Which of them API 2.0 accepts is not documented.
const SHORT_CODES: [(&str, &str); 25] = [
    ("gz", "ap-guangzhou"),
    ("sh", "ap-shanghai"),
    ("bj", "ap-beijing"),
    ("cd", "ap-chengdu"),
    ("cq", "ap-chongqing"),
    ("nj", "ap-nanjing"),
    ("hk", "ap-hongkong"),
    ("tpe", "ap-taipei"),
    ("tsn", "ap-tianjin"),
    ("shjr", "ap-shanghai-fsi"),
    ("szjr", "ap-shenzhen-fsi"),
    ("bjjr", "ap-beijing-fsi"),
    ("sg", "ap-singapore"),
    ("th", "ap-bangkok"),
    ("kr", "ap-seoul"),
    ("jp", "ap-tokyo"),
    ("in", "ap-mumbai"),
    ("jkt", "ap-jakarta"),
    ("de", "eu-frankfurt"),
    ("usw", "na-siliconvalley"),
    ("use", "na-ashburn"),
    ("ca", "na-toronto"),
    ("tor", "na-toronto"),
    ("gzopen", "ap-guangzhou-open"),
    ("sao", "sa-saopaulo"),
];

/// Returns the other spelling of a region.
pub fn other_spelling(region: &str) -> Option<&'static str> {
    SHORT_CODES.iter().find_map(|(short, long)| match region {
        _ if region == *short => Some(*long),
        _ if region == *long => Some(*short),
        _ => None,
    })
}
