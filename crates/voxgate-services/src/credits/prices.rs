//! The price lists, read once in a while: every admitted request needs one.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use voxgate_domain::{PlanId, Price, PriceList};

use crate::Fault;
use crate::core::Core;

/// How old a list may be: changes made by other processes hold after this long at the latest.
const FRESH: Duration = Duration::from_millis(1500);

/// The lists as they were last read.
#[derive(Debug, Default)]
pub(crate) struct Prices {
    lists: RwLock<Option<Lists>>,
}

#[derive(Debug, Clone)]
struct Lists {
    read_at: Duration,
    general: Arc<PriceList>,
    by_plan: Arc<HashMap<PlanId, Arc<PriceList>>>,
}

impl Prices {
    /// The prices that hold for organisations of a plan: the plan's own where it has any, else the general ones.
    pub(crate) async fn of(
        &self,
        core: &Core,
        plan: Option<PlanId>,
    ) -> Result<Arc<PriceList>, Fault> {
        let now = core.clock.monotonic();
        if let Some(list) = self.fresh(plan, now) {
            return Ok(list);
        }
        let lines = voxgate_store::prices::load_any_org(&core.db).await?;
        let mut by_plan: HashMap<Option<PlanId>, Vec<Price>> = HashMap::new();
        for (plan, price) in lines {
            by_plan.entry(plan).or_default().push(price);
        }
        let general = Arc::new(PriceList::new(by_plan.remove(&None).unwrap_or_default()));
        let by_plan = by_plan
            .into_iter()
            .filter_map(|(plan, lines)| Some((plan?, Arc::new(PriceList::new(lines)))))
            .collect();
        let lists = Lists {
            read_at: now,
            general,
            by_plan: Arc::new(by_plan),
        };
        let list = lists.of(plan);
        *self.lists.write().unwrap_or_else(PoisonError::into_inner) = Some(lists);
        Ok(list)
    }

    /// Lets the next request read the lists again.
    pub(crate) fn forget(&self) {
        *self.lists.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn fresh(&self, plan: Option<PlanId>, now: Duration) -> Option<Arc<PriceList>> {
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        lists
            .as_ref()
            .filter(|lists| now.saturating_sub(lists.read_at) < FRESH)
            .map(|lists| lists.of(plan))
    }
}

impl Lists {
    fn of(&self, plan: Option<PlanId>) -> Arc<PriceList> {
        plan.and_then(|plan| self.by_plan.get(&plan))
            .unwrap_or(&self.general)
            .clone()
    }
}
