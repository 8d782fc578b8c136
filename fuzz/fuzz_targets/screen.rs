#![no_main]

// What the drawing catches is no find.
libfuzzer_sys::fuzz_target!(init: std::panic::set_hook(Box::new(|_| ())), |bytes: &[u8]| fuzzed::screen(bytes));
