//! The page starts here.

fn main() {
    console_error_panic_hook::set_once();
    wasm_bindgen::throw_str("the page is not written yet");
}
