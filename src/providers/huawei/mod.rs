//! huawei
use super::{Cloud, serve::Server};
/// huawei
pub static CLOUD: Cloud = Cloud {
    name: "huawei",
    kinds: &[],
    keys: &[],
    connect: |_, _| unimplemented!(),
    server: Server {
        operation: |_| None,
        answer: |_, _| unimplemented!(),
        throttled: || unimplemented!(),
        unavailable: |_| unimplemented!(),
        environment: &[],
    },
};
