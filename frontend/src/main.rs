//! The page: draws the state of the work and turns what a person does into entries. Policy is the
//! conductor's; bytes are the link's.

mod app;
mod component;
mod conversation;
mod desk;
mod link;
mod markdown;
mod place;
mod screen;
mod transcript;
mod tree;
mod words;

fn main() {
    console_error_panic_hook::set_once();
    leptos::mount::mount_to_body(app::App);
}
