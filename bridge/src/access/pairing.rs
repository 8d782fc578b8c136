//! Pairing: a device that is not known asks, both sides show the same code, and a person on a trusted one
//! says yes or no. Who asks gets a ticket, which alone leads to the answer; the code opens nothing.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::api::{Asking, Pairing as Asked};
use tokio::sync::watch;

use super::AccessError;
use super::secret::{random, same};
use super::tally::Tally;

/// How long a request stands.
const LIFE: Duration = Duration::from_secs(120);
/// Requests that stand at once. A person is shown all of them.
const MOST: usize = 3;
/// Requests in a minute, of all devices together.
const A_MINUTE: u32 = 10;
/// What no eye takes for another: no I, O, 0 or 1.
const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

#[derive(Debug)]
struct Ask {
    shown: Asking,
    from: IpAddr,
    ticket: String,
    answer: Option<Word>,
}

/// A person's word.
#[derive(Debug)]
enum Word {
    /// With the secret that the device gets.
    Yes(String),
    No,
}

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// With the secret that the device gets.
    Allowed(String),
    Refused,
    /// Run out, replaced by a newer one from there, or never made.
    Gone,
}

#[derive(Debug, Clone)]
pub(crate) struct Pairing {
    // A std mutex: held for a look-up, or until a device that is allowed is on disk; never over an await.
    asks: Arc<Mutex<Vec<Ask>>>,
    /// What people are shown. It changes with every answer, so whoever waits for one is woken by it.
    open: watch::Sender<Vec<Asking>>,
    tally: Arc<Tally>,
}

impl Pairing {
    pub(super) fn new() -> Self {
        Self { asks: Arc::default(), open: watch::Sender::default(), tally: Arc::new(Tally::of(A_MINUTE)) }
    }

    /// The requests that wait for a person, as they change.
    pub(crate) fn open(&self) -> watch::Receiver<Vec<Asking>> {
        self.open.subscribe()
    }

    /// Puts a request before the person, in the place of an older one from the same address. Nothing when
    /// there are too many.
    pub(super) fn ask(&self, name: String, from: IpAddr) -> Result<Option<Asked>, AccessError> {
        let ticket = random()?;
        let mut letters = [0; 6];
        getrandom::fill(&mut letters).map_err(|error| AccessError::Random(error.to_string()))?;
        let letters = letters.map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
        let code: String = letters[..3].iter().chain(&['-']).chain(&letters[3..]).collect();
        let mut asks = self.asks();
        asks.retain(|ask| ask.from != from);
        if self.tally.is_full() || asks.len() >= MOST {
            return Ok(None);
        }
        self.tally.count();
        let id = uuid::Uuid::now_v7().to_string();
        let shown = Asking { id, name, address: from.to_string(), code: code.clone() };
        asks.push(Ask { shown, from, ticket: ticket.clone(), answer: None });
        self.publish(asks);
        let (pairing, ended) = (self.clone(), ticket.clone());
        tokio::spawn(async move {
            tokio::time::sleep(LIFE).await;
            pairing.take(|ask| ask.ticket == ended);
        });
        Ok(Some(Asked { ticket, code, seconds: LIFE.as_secs() }))
    }

    /// Lets a device in by what `admit` makes of its name and address, a secret, before anybody is told; says
    /// whether the request still stood. It goes on standing when `admit` fails. Blocks for as long as that.
    pub(super) fn allow(
        &self,
        id: &str,
        admit: impl FnOnce(String, IpAddr) -> Result<String, AccessError>,
    ) -> Result<bool, AccessError> {
        self.answer(id, |ask| Ok(Word::Yes(admit(ask.shown.name.clone(), ask.from)?)))
    }

    /// Says whether the request still stood.
    pub(super) fn refuse(&self, id: &str) -> Result<bool, AccessError> {
        self.answer(id, |_| Ok(Word::No))
    }

    fn answer(
        &self,
        id: &str,
        word: impl FnOnce(&Ask) -> Result<Word, AccessError>,
    ) -> Result<bool, AccessError> {
        let mut asks = self.asks();
        let open = asks.iter_mut().find(|ask| ask.shown.id == id && ask.answer.is_none());
        let Some(ask) = open else { return Ok(false) };
        ask.answer = Some(word(ask)?);
        self.publish(asks);
        Ok(true)
    }

    /// Waits for the person's word. A yes is told once.
    pub(super) async fn outcome(&self, ticket: &str) -> Outcome {
        let mut changes = self.open();
        loop {
            changes.mark_unchanged();
            let waits = self.asks().iter().any(|ask| same(&ask.ticket, ticket) && ask.answer.is_none());
            if !waits {
                return match self.take(|ask| same(&ask.ticket, ticket)) {
                    Some(Ask { answer: Some(Word::Yes(secret)), .. }) => Outcome::Allowed(secret),
                    Some(Ask { answer: Some(Word::No), .. }) => Outcome::Refused,
                    Some(Ask { answer: None, .. }) | None => Outcome::Gone,
                };
            }
            // `self` holds the sender, so this does not err.
            let _ = changes.changed().await;
        }
    }

    fn take(&self, is_it: impl Fn(&Ask) -> bool) -> Option<Ask> {
        let mut asks = self.asks();
        let place = asks.iter().position(is_it)?;
        let taken = asks.remove(place);
        self.publish(asks);
        Some(taken)
    }

    fn asks(&self) -> MutexGuard<'_, Vec<Ask>> {
        self.asks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(clippy::needless_pass_by_value, reason = "held until it is published, so that none overtakes")]
    fn publish(&self, asks: MutexGuard<'_, Vec<Ask>>) {
        let open = asks.iter().filter(|ask| ask.answer.is_none()).map(|ask| ask.shown.clone());
        self.open.send_replace(open.collect());
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn at(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[tokio::test(start_paused = true)]
    async fn a_yes_is_for_its_ticket_alone_and_told_once() {
        let pairing = Pairing::new();
        let [mine, other] =
            [1, 2].map(|last| pairing.ask(format!("device {last}"), at(last)).unwrap().unwrap());
        let shown = pairing.open().borrow().clone();
        assert_eq!(shown[0].code, mine.code);
        assert_ne!(mine.code, other.code);
        let full = || Err(AccessError::TooMany(1));
        assert!(pairing.allow(&shown[0].id, |_, _| full()).is_err());
        assert!(pairing.allow(&shown[0].id, |name, _| Ok(format!("secret of {name}"))).unwrap());
        assert!(!pairing.refuse(&shown[0].id).unwrap(), "the first word stands");
        assert_eq!(pairing.outcome(&mine.ticket).await, Outcome::Allowed("secret of device 1".to_owned()));
        assert_eq!(pairing.outcome(&mine.ticket).await, Outcome::Gone);
        assert!(pairing.refuse(&shown[1].id).unwrap());
        assert_eq!(pairing.outcome(&other.ticket).await, Outcome::Refused);
        assert_eq!(pairing.outcome("guess").await, Outcome::Gone);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_runs_out_and_whoever_waits_is_told() {
        let pairing = Pairing::new();
        let asked = pairing.ask("device".to_owned(), at(1)).unwrap().unwrap();
        assert_eq!(asked.seconds, 120);
        let before = tokio::time::Instant::now();
        assert_eq!(pairing.outcome(&asked.ticket).await, Outcome::Gone);
        assert_eq!(before.elapsed().as_secs(), LIFE.as_secs());
        assert!(pairing.open().borrow().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn few_stand_at_once_and_one_address_has_one() {
        let pairing = Pairing::new();
        let ask = |last| pairing.ask("device".to_owned(), at(last)).unwrap();
        let first = ask(1).unwrap();
        assert!(ask(1).is_some() && ask(2).is_some() && ask(3).is_some() && ask(4).is_none());
        assert_eq!(pairing.open().borrow().len(), MOST);
        assert_eq!(pairing.outcome(&first.ticket).await, Outcome::Gone, "replaced");
        let made = (0..20).filter(|_| ask(1).is_some()).count();
        assert_eq!(made, 6, "ten in a minute, of all together");
    }
}
