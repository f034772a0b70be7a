use super::Limits;
use crate::error::Problem;
pub(super) struct Clients {}
impl Clients {
    pub(super) fn new(_limits: &Limits, _proxies: &[(String, String)]) -> Result<Self, Problem> {
        Ok(Self {})
    }
}
