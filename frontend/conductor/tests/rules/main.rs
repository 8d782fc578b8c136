//! The conductor's rules, each held to from outside: by what it makes of a log and what it decides then.

mod budget;
mod by_hand;
mod charter;
mod context;
mod document;
mod driver;
mod failures;
mod feeds;
mod health;
mod library;
mod log;
mod models;
mod modes;
mod permission;
mod personas;
mod planning;
mod plans;
mod proof;
mod queue;
mod requeue;
mod sizing;
mod stage;
mod told;
mod tree;
