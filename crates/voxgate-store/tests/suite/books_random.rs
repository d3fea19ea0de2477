//! Random movements of credits, in order and all at once, on one process and on two: whatever happens, the books are right.

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tokio::runtime::Runtime;
use voxgate_domain::{KeyId, Micros, OrgId, RequestId, TransferId};
use voxgate_store::keys::KeyRow;
use voxgate_store::ledger::{self, Booked, Booking, HoldOutcome, NewHold, Resolution};
use voxgate_store::{Db, StoreError};

use crate::world::{World, at};

/// Requests and transfer ids that the steps choose from, so that many are chosen more than once.
const CHOICES: usize = 6;
const BUDGET: i64 = 400;

#[derive(Debug, Clone, Copy)]
enum Step {
    Grant(usize, i64),
    Purchase(usize, i64),
    Adjust(usize, i64),
    Refund(usize, usize, i64),
    Hold(usize, i64),
    Charge(usize, i64),
    Post(usize, i64),
    Void(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let some = 0..CHOICES;
    let amount = 1_i64..120;
    prop_oneof![
        (some.clone(), amount.clone()).prop_map(|(t, a)| Step::Grant(t, a)),
        (some.clone(), amount.clone()).prop_map(|(t, a)| Step::Purchase(t, a)),
        (some.clone(), prop_oneof![-90_i64..-1, 1_i64..60]).prop_map(|(t, a)| Step::Adjust(t, a)),
        (some.clone(), some.clone(), amount.clone()).prop_map(|(t, r, a)| Step::Refund(t, r, a)),
        (some.clone(), amount.clone()).prop_map(|(r, a)| Step::Hold(r, a)),
        (some.clone(), amount.clone()).prop_map(|(r, a)| Step::Charge(r, a)),
        (some.clone(), 0_i64..150).prop_map(|(r, a)| Step::Post(r, a)),
        some.prop_map(Step::Void),
    ]
}

/// What the steps work on: ids of one case.
#[derive(Clone)]
struct Case {
    org: OrgId,
    key: KeyId,
    requests: Arc<[RequestId]>,
    transfers: Arc<[TransferId]>,
}

/// What a step did, for the model: changes of available, held and the key's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Effect {
    available: i64,
    held: i64,
    key: i64,
}

async fn run(db: &Db, case: &Case, step: Step) -> Effect {
    let case = case.clone();
    db.write::<_, StoreError, _>(move |tx| {
        let case = case.clone();
        Box::pin(async move {
            let booking = |transfer: usize, amount| Booking {
                id: case.transfers[transfer],
                organization_id: case.org,
                amount: Micros::new(amount),
                memo: "",
                actor: None,
                now: at(1),
            };
            let new = |request: usize, amount| NewHold {
                organization_id: case.org,
                key_id: Some(case.key),
                request_id: case.requests[request],
                node_id: "node",
                amount: Micros::new(amount),
                now: at(1),
            };
            let booked = |booked: Booked, amount: i64, key: i64| match booked {
                Booked::Booked(_) => Effect {
                    available: amount,
                    held: 0,
                    key,
                },
                _ => Effect::default(),
            };
            let resolved = |resolution: Resolution| match resolution {
                Resolution::Resolved { posted, returned } => Effect {
                    available: returned.get(),
                    held: -(posted.get() + returned.get()),
                    key: -returned.get(),
                },
                _ => Effect::default(),
            };
            Ok(match step {
                Step::Grant(t, a) => booked(ledger::grant(tx, &booking(t, a)).await?, a, 0),
                Step::Purchase(t, a) => booked(ledger::purchase(tx, &booking(t, a)).await?, a, 0),
                Step::Adjust(t, a) => booked(ledger::adjust(tx, &booking(t, a)).await?, a, 0),
                Step::Refund(t, r, a) => {
                    let done = ledger::refund(tx, &booking(t, a), case.requests[r]).await?;
                    booked(done, a, -a)
                }
                Step::Hold(r, a) => match ledger::hold(tx, &new(r, a)).await? {
                    HoldOutcome::Held => Effect {
                        available: -a,
                        held: a,
                        key: a,
                    },
                    _ => Effect::default(),
                },
                Step::Charge(r, a) => match ledger::charge(tx, &new(r, a)).await? {
                    HoldOutcome::Held => Effect {
                        available: -a,
                        held: 0,
                        key: a,
                    },
                    _ => Effect::default(),
                },
                Step::Post(r, a) => {
                    let request = case.requests[r];
                    resolved(ledger::post(tx, case.org, request, Micros::new(a), at(2)).await?)
                }
                Step::Void(r) => {
                    resolved(ledger::void(tx, case.org, case.requests[r], at(2)).await?)
                }
            })
        })
    })
    .await
    .unwrap()
}

/// The model: what one step after the other must do. Holds by request: amount, posted (none while open), refunded.
#[derive(Default)]
struct Model {
    now: Effect,
    booked: HashMap<usize, ()>,
    holds: HashMap<usize, (i64, Option<i64>, i64)>,
}

impl Model {
    fn expect(&mut self, step: Step) -> Effect {
        let covered = |now: &Effect, a: i64| a <= now.available && now.key + a <= BUDGET;
        let effect = match step {
            Step::Grant(t, a) | Step::Purchase(t, a) | Step::Adjust(t, a)
                if !self.booked.contains_key(&t) && self.now.available + a >= 0 =>
            {
                self.booked.insert(t, ());
                Effect {
                    available: a,
                    held: 0,
                    key: 0,
                }
            }
            Step::Refund(t, r, a) if !self.booked.contains_key(&t) => {
                match self.holds.get_mut(&r) {
                    Some((_, Some(posted), refunded)) if *refunded + a <= *posted => {
                        *refunded += a;
                        self.booked.insert(t, ());
                        Effect {
                            available: a,
                            held: 0,
                            key: -a,
                        }
                    }
                    _ => Effect::default(),
                }
            }
            Step::Hold(r, a) if !self.holds.contains_key(&r) && covered(&self.now, a) => {
                self.holds.insert(r, (a, None, 0));
                Effect {
                    available: -a,
                    held: a,
                    key: a,
                }
            }
            Step::Charge(r, a) if !self.holds.contains_key(&r) && covered(&self.now, a) => {
                self.holds.insert(r, (a, Some(a), 0));
                Effect {
                    available: -a,
                    held: 0,
                    key: a,
                }
            }
            Step::Post(r, _) | Step::Void(r) => match self.holds.get_mut(&r) {
                Some((amount, open @ None, _)) => {
                    let posted = match step {
                        Step::Post(_, a) => a.min(*amount),
                        _ => 0,
                    };
                    *open = Some(posted);
                    Effect {
                        available: *amount - posted,
                        held: -*amount,
                        key: posted - *amount,
                    }
                }
                _ => Effect::default(),
            },
            _ => Effect::default(),
        };
        self.add(effect);
        effect
    }

    fn add(&mut self, effect: Effect) {
        self.now.available += effect.available;
        self.now.held += effect.held;
        self.now.key += effect.key;
    }
}

/// The stored balance and the key's part, and the books.
async fn stored(db: &Db, case: &Case) -> (Effect, Vec<String>) {
    let balance = ledger::balance(db, case.org).await.unwrap();
    let key = voxgate_store::keys::get(db, case.org, case.key)
        .await
        .unwrap()
        .unwrap();
    let now = Effect {
        available: balance.available.get(),
        held: balance.held.get(),
        key: key.credits_committed.get(),
    };
    (now, db.check_books().await.unwrap())
}

fn properties(w: &World, runtime: &Runtime, cases: u32) {
    let other = runtime.block_on(w.other_node());
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&proptest::collection::vec(step(), 1..60), |steps| {
            let (stepwise, at_once) =
                runtime.block_on(async { (new_case(w).await, new_case(w).await) });
            let in_order = runtime.block_on(async {
                let mut model = Model::default();
                for step in &steps {
                    let (done, expected) =
                        (run(&w.db, &stepwise, *step).await, model.expect(*step));
                    if done != expected {
                        return Err(TestCaseError::fail(format!(
                            "{step:?}: {done:?} instead of {expected:?}"
                        )));
                    }
                }
                let (now, problems) = stored(&w.db, &stepwise).await;
                prop_assert_eq!(now, model.now);
                prop_assert_eq!(problems, Vec::<String>::new());
                Ok(())
            });
            in_order?;
            runtime.block_on(async {
                // All at once and each twice, from two processes: in which order they win is open, the books are not.
                let tasks: Vec<_> = steps
                    .iter()
                    .flat_map(|step| [(w.db.clone(), *step), (other.clone(), *step)])
                    .map(|(db, step)| {
                        let case = at_once.clone();
                        tokio::spawn(async move { run(&db, &case, step).await })
                    })
                    .collect();
                let mut model = Model::default();
                for task in tasks {
                    model.add(task.await.unwrap());
                }
                let (now, problems) = stored(&w.db, &at_once).await;
                prop_assert_eq!(now, model.now);
                prop_assert_eq!(problems, Vec::<String>::new());
                prop_assert!(
                    now.available >= 0 && now.held >= 0 && (0..=BUDGET).contains(&now.key)
                );
                Ok(())
            })
        })
        .unwrap();
}

async fn new_case(w: &World) -> Case {
    let name = OrgId::generate().to_string();
    let (org, user) = crate::world::add_org(&w.db, &name).await;
    let row = KeyRow {
        organization_id: org,
        user_id: user,
        credit_budget: Some(Micros::new(BUDGET)),
        ..w.key_row(KeyId::generate())
    };
    let key = row.id;
    w.write(move |tx| {
        let row = row.clone();
        Box::pin(async move {
            let hash = row.id.to_string();
            voxgate_store::keys::insert(tx, &row, hash.as_bytes()).await
        })
    })
    .await;
    Case {
        org,
        key,
        requests: (0..CHOICES).map(|_| RequestId::generate()).collect(),
        transfers: (0..CHOICES).map(|_| TransferId::generate()).collect(),
    }
}

#[test]
fn books_are_right_on_sqlite() {
    let runtime = Runtime::new().unwrap();
    let w = runtime.block_on(World::sqlite());
    properties(&w, &runtime, 48);
}

#[test]
fn books_are_right_on_postgres() {
    let runtime = Runtime::new().unwrap();
    let w = runtime.block_on(World::postgres());
    properties(&w, &runtime, 16);
}
