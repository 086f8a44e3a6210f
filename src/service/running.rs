//! Answers that go on whether or not somebody listens: each keeps what it has
//! said until a while after its end, so that whoever comes late, or comes back,
//! hears all of it. Must not make an answer, nor know who may see it in words
//! of the wire.

use super::{Caller, Service};
use crate::error::{ErrorKind, Fault};
use crate::types::{AnswerEvent, MessageId, SessionId, TenantId, UserId};
use futures_util::{Stream, stream};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::sync::{OnceCell, watch};

/// How long an answer that has ended can still be heard.
const KEPT: Duration = Duration::from_secs(60);

/// What is said again of one event: nothing of a block that a later event wrote anew.
pub type Heard = Option<AnswerEvent>;

/// An answer that is being given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningAnswer {
    pub answer_id: MessageId,
    pub question_id: MessageId,
}

/// The answers that are being given, and those that just were.
#[derive(Default)]
pub(super) struct Running {
    answers: Mutex<HashMap<MessageId, Arc<Live>>>,
    /// By tenant, user and the key that the client gave.
    attempts: Mutex<HashMap<AttemptKey, Arc<Attempt>>>,
}

type AttemptKey = (TenantId, UserId, String);

/// A question that may come more than once, because its client cannot know
/// whether it arrived.
pub(super) struct Attempt {
    /// `None` for a question that comes once.
    key: Option<AttemptKey>,
    /// The answer, once it has begun. Who comes meanwhile waits for it.
    pub(super) answer: OnceCell<MessageId>,
}

struct Live {
    tenant_id: TenantId,
    user_id: UserId,
    session_id: SessionId,
    question_id: MessageId,
    said: Mutex<Said>,
    /// Changes with everything that is said.
    news: watch::Sender<()>,
    stop: watch::Sender<bool>,
}

/// What was said so far. A block that came again is kept once, so that this
/// stays as short as the answer.
#[derive(Default)]
struct Said {
    events: Vec<Heard>,
    /// Where the last event of each block stands.
    blocks: HashMap<usize, usize>,
    ended: bool,
}

impl Said {
    fn add(&mut self, event: AnswerEvent) {
        if let AnswerEvent::Block { index, .. } = &event
            && let Some(old) = self.blocks.insert(*index, self.events.len())
            && let Some(place) = self.events.get_mut(old)
        {
            *place = None;
        }
        self.events.push(Some(event));
    }
}

impl Live {
    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn belongs_to(&self, caller: &Caller) -> bool {
        self.tenant_id == caller.tenant_id && self.user_id == caller.user_id
    }
}

/// An answer to be started.
pub(super) struct Starting<'a> {
    pub(super) caller: &'a Caller,
    pub(super) session_id: SessionId,
    pub(super) question_id: MessageId,
    pub(super) answer_id: MessageId,
    /// Asks the answer to stop.
    pub(super) stop: watch::Sender<bool>,
}

impl Running {
    fn answers(&self) -> MutexGuard<'_, HashMap<MessageId, Arc<Live>>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, caller: &Caller, id: &MessageId) -> Option<Arc<Live>> {
        let live = self.answers().get(id).map(Arc::clone);
        live.filter(|live| live.belongs_to(caller))
    }

    /// The attempt of this key, which is a new one if the key is.
    pub(super) fn attempt(&self, caller: &Caller, key: Option<String>) -> Arc<Attempt> {
        let key = key.map(|key| (caller.tenant_id.clone(), caller.user_id.clone(), key));
        let made = || {
            let (key, answer) = (key.clone(), OnceCell::new());
            Arc::new(Attempt { key, answer })
        };
        let Some(name) = key.clone() else {
            return made();
        };
        Arc::clone(self.attempts().entry(name).or_insert_with(made))
    }

    /// The key of an attempt that failed may be used again, unless somebody
    /// waits for it, who then is the one to try.
    pub(super) fn forget_attempt(&self, attempt: &Arc<Attempt>) {
        let Some(key) = &attempt.key else {
            return;
        };
        let mut attempts = self.attempts();
        // The map's and the caller's own.
        if Arc::strong_count(attempt) <= 2 {
            attempts.remove(key);
        }
    }

    fn forget(&self, answer: &MessageId) {
        self.answers().remove(answer);
        self.attempts()
            .retain(|_, attempt| attempt.answer.get() != Some(answer));
    }

    fn attempts(&self) -> MutexGuard<'_, HashMap<AttemptKey, Arc<Attempt>>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An error if the caller has as many answers under way as one may have.
    pub(super) fn check_room(&self, caller: &Caller, most: u32) -> Result<(), Fault> {
        let answers = self.answers();
        let own = answers.values().filter(|live| live.belongs_to(caller));
        if own.filter(|live| !live.said().ended).count() < most as usize {
            return Ok(());
        }
        let message =
            format!("{most} answers are being written already, which is the limit; stop one first");
        Err(Fault::new(ErrorKind::RateLimited, message).retry_in(1))
    }

    /// Asks every answer of a conversation to stop.
    pub(super) fn stop_in(&self, tenant: &TenantId, session: &SessionId) {
        for live in self.answers().values() {
            if live.tenant_id == *tenant && live.session_id == *session {
                live.stop.send_replace(true);
            }
        }
    }

    /// Stops everything and waits until it has ended, `longest` at most.
    pub(super) async fn stop_all(&self, longest: Duration) {
        let all: Vec<_> = self.answers().values().map(Arc::clone).collect();
        let ended = async {
            for live in &all {
                live.stop.send_replace(true);
                let mut news = live.news.subscribe();
                loop {
                    if live.said().ended {
                        break;
                    }
                    if news.changed().await.is_err() {
                        break;
                    }
                }
            }
        };
        if tokio::time::timeout(longest, ended).await.is_err() {
            tracing::warn!("an answer did not stop in time; what it had written is lost");
        }
    }
}

impl Service {
    /// Keeps what `events` say for whoever listens ([`Self::follow`]).
    pub(super) fn start_running(&self, starting: Starting<'_>, mut events: Receiver<AnswerEvent>) {
        let live = Arc::new(Live {
            tenant_id: starting.caller.tenant_id.clone(),
            user_id: starting.caller.user_id.clone(),
            session_id: starting.session_id,
            question_id: starting.question_id,
            said: Mutex::default(),
            news: watch::channel(()).0,
            stop: starting.stop,
        });
        let (id, inner) = (starting.answer_id, Arc::clone(&self.inner));
        inner
            .running
            .answers()
            .insert(id.clone(), Arc::clone(&live));
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                live.said().add(event);
                live.news.send_replace(());
            }
            live.said().ended = true;
            live.news.send_replace(());
            tokio::time::sleep(KEPT).await;
            inner.running.forget(&id);
        });
    }

    /// All that an answer of the caller said and says, from its beginning.
    pub fn follow(
        &self,
        caller: &Caller,
        answer: &MessageId,
    ) -> Result<impl Stream<Item = Heard> + use<>, Fault> {
        let live = self.inner.running.find(caller, answer);
        live.map(heard).ok_or_else(no_answer)
    }

    /// Ends an answer of the caller; what was written until then is kept.
    pub fn stop_answer(&self, caller: &Caller, answer: &MessageId) -> Result<(), Fault> {
        let live = self.inner.running.find(caller, answer);
        live.ok_or_else(no_answer)?.stop.send_replace(true);
        Ok(())
    }

    /// The caller's answers that are being given in a conversation.
    pub fn running_answers(&self, caller: &Caller, session: &SessionId) -> Vec<RunningAnswer> {
        let answers = self.inner.running.answers();
        let own = answers.iter().filter(|(_, live)| {
            live.belongs_to(caller) && live.session_id == *session && !live.said().ended
        });
        own.map(|(id, live)| RunningAnswer {
            answer_id: id.clone(),
            question_id: live.question_id.clone(),
        })
        .collect()
    }
}

fn no_answer() -> Fault {
    Fault::not_found("no such answer is being given; if it is complete, its session has it")
}

/// What an answer says, from its first event to its last.
fn heard(live: Arc<Live>) -> impl Stream<Item = Heard> + use<> {
    let news = live.news.subscribe();
    stream::unfold((live, news, 0), async |(live, mut news, at)| {
        loop {
            let next = {
                let said = live.said();
                let event = said.events.get(at).cloned();
                if event.is_none() && said.ended {
                    return None;
                }
                event
            };
            if let Some(event) = next {
                return Some((event, (live, news, at + 1)));
            }
            news.changed().await.ok()?;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::Said;
    use crate::types::AnswerEvent;

    fn block(index: usize, html: &str) -> AnswerEvent {
        let html = html.to_owned();
        AnswerEvent::Block { index, html }
    }

    #[test]
    fn block_that_came_again_is_kept_once_and_in_its_last_place() {
        let mut said = Said::default();
        said.add(AnswerEvent::Token("a".to_owned()));
        said.add(block(0, "<p>a</p>"));
        said.add(block(1, "<p>x</p>"));
        said.add(block(0, "<p>ab</p>"));
        let kept: Vec<_> = said.events.iter().map(Option::is_some).collect();
        assert_eq!(kept, [true, false, true, true]);
    }
}
