//! stub
use crate::passage::Passage;
/// x
#[derive(Debug)]
pub struct Rules;
impl Rules {
    pub(crate) fn apply<'t>(&self, p: Passage<'t>) -> Passage<'t> {
        p
    }
}
