//! The link: bytes and reconnecting. A pure machine decides when to connect and what to send again; this
//! shell owns the socket. Messages go through the callback one by one, because signals would merge them.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_storage::{SessionStorage, Storage};
use gloo_timers::callback::Timeout;
use js_sys::{ArrayBuffer, Uint8Array};
use shared::entry::Draft;
use shared::id::{AppendId, ClientId, RunId};
use shared::unit::{Epoch, Millis, Seq};
use shared::wire::{ClientMessage, OutputFrame, ServerMessage, Want};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use web_sys::{BinaryType, MessageEvent, WebSocket};

pub mod enter;
pub mod history;
mod machine;

pub use machine::Standing;
use machine::{Effect, Event, Kept, Machine};

/// What the link tells the page.
pub enum LinkEvent {
    Standing(Standing),
    Message(ServerMessage),
    /// A binary frame of run output.
    Output(Vec<u8>),
}

/// Where this tab keeps its outbox.
const OUTBOX: &str = "orchestrator.outbox";

/// A handle; copies share the socket.
#[derive(Clone)]
pub struct Link {
    inner: Rc<RefCell<Inner>>,
}

struct Inner {
    machine: Machine,
    socket: Option<Socket>,
    alarm: Option<Timeout>,
    told: Option<Standing>,
    on_event: Rc<dyn Fn(LinkEvent)>,
    url: String,
}

struct Socket {
    web: WebSocket,
    // The socket calls these; they live as long as it does.
    _on_open: Closure<dyn FnMut()>,
    _on_close: Closure<dyn FnMut()>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
}

/// The page's clock.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "milliseconds since 1970 are a positive whole number"
)]
pub fn now() -> Millis {
    Millis(js_sys::Date::now() as u64)
}

/// Whether the bridge is reached by TLS, and so perhaps from another machine than its own.
pub fn is_encrypted() -> bool {
    web_sys::window().and_then(|window| window.location().protocol().ok()).as_deref() == Some("https:")
}

/// Which build of the page this is: the program that its document names, as the bridge reads it from there too.
fn build() -> Option<String> {
    let document = web_sys::window()?.document()?;
    document.query_selector("script[data-wasm]").ok()??.get_attribute("data-wasm")
}

impl Link {
    /// Enters with the secret of the address bar, if it holds one, and connects.
    pub fn start(client: ClientId, on_event: impl Fn(LinkEvent) + 'static) -> Self {
        let location = web_sys::window().map(|window| window.location());
        let origin = location.and_then(|location| location.origin().ok()).unwrap_or_default();
        let link = Self {
            inner: Rc::new(RefCell::new(Inner {
                machine: Machine::new(client, build()),
                socket: None,
                alarm: None,
                told: None,
                on_event: Rc::new(on_event),
                url: format!("{}/ws", origin.replacen("http", "ws", 1)),
            })),
        };
        if let Ok((log, intents)) = SessionStorage::get(OUTBOX) {
            link.handle(Event::Kept(Kept { log, intents }));
        }
        let entering = link.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let access = enter::enter().await;
            entering.handle(Event::Entered(access));
        });
        link
    }

    /// A person's intent: kept and sent again until it is acknowledged.
    pub fn intend(&self, id: AppendId, drafts: Vec<Draft>) {
        self.handle(Event::Intend(id, drafts));
    }

    /// Decisions, sent once: after a lost connection they would be stale.
    pub fn decide(&self, id: AppendId, epoch: Epoch, seen: Seq, drafts: Vec<Draft>) {
        self.handle(Event::Say(ClientMessage::Append { id, epoch: Some(epoch), seen: Some(seen), drafts }));
    }

    pub fn follow(&self, run: RunId, from: u64) {
        self.handle(Event::Follow(run, from));
    }

    pub fn unfollow(&self, run: RunId) {
        self.handle(Event::Unfollow(run));
    }

    pub fn want_baton(&self, want: Want) {
        self.handle(Event::Baton(want));
    }

    /// The person does not want to wait for the next try.
    pub fn try_now(&self) {
        self.handle(Event::TryNow);
    }

    /// How many intents the bridge has not acknowledged.
    pub fn waiting(&self) -> usize {
        self.inner.borrow().machine.unsent().count()
    }

    /// Looks at what is in these intents, oldest first.
    pub fn unsent<T>(&self, look: impl FnOnce(&mut dyn Iterator<Item = &Draft>) -> T) -> T {
        let inner = self.inner.borrow();
        look(&mut inner.machine.unsent().flat_map(|(_, drafts)| drafts))
    }

    fn handle(&self, event: Event) {
        let effects = self.inner.borrow_mut().machine.handle(event, now());
        for effect in effects {
            match effect {
                Effect::Connect => self.connect(),
                Effect::Close => self.inner.borrow_mut().socket = None,
                Effect::Send(message) => self.send(&message),
                Effect::Keep => self.keep(),
                Effect::CheckAccess => {
                    let link = self.clone();
                    wasm_bindgen_futures::spawn_local(async move {
                        let access = enter::check().await;
                        link.handle(Event::Checked(access));
                    });
                }
            }
        }
        self.arm();
        self.tell();
    }

    fn tell(&self) {
        let (standing, on_event) = {
            let mut inner = self.inner.borrow_mut();
            let standing = inner.machine.standing();
            if inner.told.as_ref() == Some(&standing) {
                return;
            }
            inner.told = Some(standing.clone());
            (standing, Rc::clone(&inner.on_event))
        };
        on_event(LinkEvent::Standing(standing));
    }

    fn arm(&self) {
        let at = self.inner.borrow().machine.deadline();
        let alarm = at.map(|at| {
            let link = self.clone();
            let span = u32::try_from(at.since(now()).0).unwrap_or(u32::MAX);
            Timeout::new(span, move || link.handle(Event::Tick))
        });
        self.inner.borrow_mut().alarm = alarm;
    }

    fn send(&self, message: &ClientMessage) {
        let inner = self.inner.borrow();
        if let (Some(socket), Ok(text)) = (&inner.socket, serde_json::to_string(message)) {
            // A socket that is closing says so by its close event; the outbox keeps what matters.
            let _ = socket.web.send_with_str(&text);
        }
    }

    /// A reload must not lose what the bridge has not acknowledged. Where the browser keeps nothing, it stays in memory.
    fn keep(&self) {
        let Kept { log, intents } = self.inner.borrow().machine.keeps();
        if intents.is_empty() {
            SessionStorage::delete(OUTBOX);
        } else {
            let _ = SessionStorage::set(OUTBOX, (log, intents));
        }
    }

    fn connect(&self) {
        let url = self.inner.borrow().url.clone();
        let Ok(web) = WebSocket::new(&url) else {
            self.handle(Event::Closed);
            return;
        };
        web.set_binary_type(BinaryType::Arraybuffer);
        let (opened, closed, received) = (self.clone(), self.clone(), self.clone());
        let on_open = Closure::<dyn FnMut()>::new(move || opened.handle(Event::Opened));
        let on_close = Closure::<dyn FnMut()>::new(move || closed.handle(Event::Closed));
        let on_message =
            Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| received.receive(&event));
        web.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        web.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        web.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        let socket = Socket { web, _on_open: on_open, _on_close: on_close, _on_message: on_message };
        self.inner.borrow_mut().socket = Some(socket);
    }

    fn receive(&self, event: &MessageEvent) {
        let on_event = Rc::clone(&self.inner.borrow().on_event);
        let data = event.data();
        if let Ok(buffer) = data.clone().dyn_into::<ArrayBuffer>() {
            let frame = Uint8Array::new(&buffer).to_vec();
            if let Ok(header) = OutputFrame::decode(&frame) {
                let lines = u64::try_from(header.lines().count()).unwrap_or(0);
                if let Ok(run) = RunId::new(header.run) {
                    self.handle(Event::Lines(run, header.first_line + lines));
                }
            }
            on_event(LinkEvent::Output(frame));
        } else if let Some(message) = data.as_string().and_then(|text| serde_json::from_str(&text).ok()) {
            self.handle(Event::Heard(machine::heard(&message)));
            // It is the link's own, and comes too often to draw anything for it.
            if !matches!(message, ServerMessage::Pong { .. }) {
                on_event(LinkEvent::Message(message));
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.web.set_onopen(None);
        self.web.set_onclose(None);
        self.web.set_onmessage(None);
        let _ = self.web.close();
    }
}
