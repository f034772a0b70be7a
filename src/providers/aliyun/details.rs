//! Structs of `details` that have the names of the response.

pub(super) use crate::providers::shapes::detail_structs;
