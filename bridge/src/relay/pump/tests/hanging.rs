//! Holders whose script says nothing, and who decides meanwhile.

use shared::wire::PULSE;

use super::*;

const PULSE_SPAN: Duration = Duration::from_millis(PULSE.0);

/// Its socket stays open and goes on answering pings; its script says no more.
#[tokio::test]
async fn a_holder_that_hangs_loses_the_baton_within_two_seconds_and_has_it_again_when_it_is_back() {
    let world = World::new();
    let mut page = world.lively("page");
    page.want(Want::Take);
    assert_eq!(page.baton().await, Epoch(1));
    let mut attendance = world.relay.attendance();
    // From here on time passes as fast as nobody has anything to do.
    tokio::time::pause();
    for _ in 0..20 {
        page.want(Want::Take);
        let passed = tokio::time::timeout(PULSE_SPAN, attendance.until(false)).await;
        assert!(passed.is_err(), "it shows life");
    }
    let silent = Instant::now();
    attendance.until(false).await.unwrap();
    let after = silent.elapsed();
    // Its last word was a beat before that. Who is to take over gets ready from now on.
    assert!((PULSE_SPAN / 2..2 * PULSE_SPAN).contains(&after), "{after:?}");
    assert!(attendance.falters());
    // The store takes its own time.
    tokio::time::resume();
    // Alone it has it still.
    page.append("alone", Some(Epoch(1)), vec![input("r1")]);
    assert!(page.answer("alone").await.is_ok());
    // Somebody comes who wishes for it less.
    let mut standby = world.client("standby-1");
    standby.want(Want::Stand);
    assert_eq!(standby.baton().await, Epoch(2));
    page.append("late", Some(Epoch(1)), vec![input("r1")]);
    assert_eq!(page.answer("late").await, Err(Refusal::Stale { epoch: Epoch(2) }));
    assert!(!page.pump.is_finished(), "it keeps its connection");
    tokio::time::pause();
    loop {
        page.want(Want::Take);
        standby.to.send(Message::Pong(Vec::new().into())).unwrap();
        if tokio::time::timeout(PULSE_SPAN, attendance.until(true)).await.is_ok() {
            break;
        }
    }
    tokio::time::resume();
    assert_eq!(page.baton().await, Epoch(3));
}

/// Its browser slows its timers, so nobody expects it to say anything.
#[tokio::test]
async fn a_hidden_page_that_is_alone_keeps_the_baton_however_slow_it_is() {
    let world = World::new();
    let mut hidden = world.lively("hidden");
    hidden.want(Want::Spare);
    assert_eq!(hidden.baton().await, Epoch(1));
    let mut other = world.lively("other");
    other.want(Want::Spare);
    let answers = [hidden.to.clone(), other.to.clone()];
    tokio::time::pause();
    for _ in 0..60 {
        answers.iter().for_each(|to| to.send(Message::Pong(Vec::new().into())).unwrap());
        tokio::time::sleep(Duration::from_secs(2)).await;
        while hidden.from.try_recv().is_ok() || other.from.try_recv().is_ok() {}
    }
    tokio::time::resume();
    hidden.append("order", Some(Epoch(1)), vec![input("r1")]);
    assert!(hidden.answer("order").await.is_ok());
}

/// What is started is ended when the page is back, before it ever had the baton.
#[cfg(unix)]
#[tokio::test]
async fn the_standby_gets_ready_while_a_page_seems_to_hang_and_goes_when_it_is_back() {
    use std::os::unix::fs::PermissionsExt;

    use crate::standby::Standby;

    let world = World::new();
    world.requested("r1").await;
    let mut page = world.lively("page");
    page.want(Want::Take);
    assert_eq!(page.baton().await, Epoch(1));
    // It says that it is there by opening a pipe, which is closed by its end.
    let pipe = world.dir.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let program = world.dir.path().join("conduct");
    std::fs::write(&program, "#!/bin/sh\nexec sleep 1000 > \"$3/pipe\"\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let standby = Standby { program, data_dir: world.dir.path().to_owned() };
    let kept = tokio::spawn(standby.keep(world.store.clone(), world.relay.attendance()));
    // Time passes when nobody has anything to do, and a thread that waits for a process has.
    tokio::time::pause();
    world.relay.attendance().until(false).await.unwrap();
    let began = tokio::task::spawn_blocking(move || std::fs::File::open(pipe).unwrap());
    let pipe = began.await.unwrap();
    assert!(world.relay.attendance().falters());
    page.want(Want::Take);
    let ended = tokio::task::spawn_blocking(move || std::io::copy(&mut { pipe }, &mut std::io::sink()));
    assert_eq!(ended.await.unwrap().unwrap(), 0);
    tokio::time::resume();
    page.append("still", Some(Epoch(1)), vec![input("r1")]);
    assert!(page.answer("still").await.is_ok(), "it never lost the baton");
    kept.abort();
}

/// A disk that is slow keeps the bridge from listening; that is not its clients' silence.
#[tokio::test]
async fn who_was_not_listened_to_for_long_is_not_parted_from() {
    let world = World::new();
    let first = Connection(world.relay.connect().0 + 1);
    let mut page = world.client("page");
    page.want(Want::Take);
    assert_eq!(page.baton().await, Epoch(1));
    // What is ready at once is taken in any order; each is tried.
    for round in 0..32 {
        // Its next word waits behind a commit that takes its time.
        let committing = world.relay.baton.decide(first, Some(Epoch(1))).await.unwrap();
        tokio::time::pause();
        for _ in 0..60 {
            page.want(Want::Take);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        drop(committing);
        tokio::time::resume();
        let id = format!("order-{round}");
        page.append(&id, Some(Epoch(1)), vec![input("r1")]);
        assert!(page.answer(&id).await.is_ok());
    }
}
