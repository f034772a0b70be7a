#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| joblens::fuzz::run("json", data));
