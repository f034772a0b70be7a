//! The macro for structs of `details` with the field names of the response.

pub(super) use crate::providers::details_schema::detail_structs;
