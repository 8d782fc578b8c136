//! A world whose bridge speaks TLS.

use tests::world::{Wire, World};

/// Not started yet.
pub fn prepare() -> anyhow::Result<World> {
    let mut world = World::prepare(env!("CARGO_BIN_EXE_orchestrator"))?;
    let data = world.home.path().join("data");
    world.speak_tls(Box::new(move |address| {
        let certificate = bridge::lock::holder(&data).and_then(|holder| holder.fingerprint);
        Box::pin(
            async move { Ok(Box::new(bridge::tls::connect(address, certificate).await?) as Box<dyn Wire>) },
        )
    }));
    Ok(world)
}
