//! The emulated board runs the agent: first configuration, update, a failing check, a wrong server, lost contact, a rotten slot.

use steadfast_tests::bench::{Bench, id, wanted};
use steadfast_tests::qemu::QemuError;
use steadfast_tests::server::Mood;

#[test]
fn a_board_takes_an_update_and_fetches_only_what_changed() -> Result<(), QemuError> {
    let bench = Bench::new(&wanted(1, "", 100))?;
    let mut board = bench.confirmed()?;
    assert_eq!(bench.server.asked().objects.len(), 3, "the first configuration is fetched whole");

    let second = bench.order(&wanted(2, "", 200));
    board.wait_for(&format!("staged {}", id(&second)))?;
    let running = format!("running {}", id(&second));
    let line = board.wait_for_any(&["booted after", &running])?;
    assert!(line.text.contains(&running), "only a task has to take it, so the device does not restart: {}", line.text);
    let line = board.wait_for_any(&["booted after", "server ", "sampling every 200 ms"])?;
    assert!(line.text.contains("sampling"), "the task of another section is left alone: {}", line.text);
    board.wait_for(&format!("confirmed {}", id(&second)))?;
    assert_eq!(bench.server.asked().objects.len(), 4, "one section changed, one object is fetched");
    board.pull_the_plug()?;

    let mut again = bench.board.start()?;
    again.wait_for(&format!("running {}", id(&second)))?;
    again.pull_the_plug()
}

#[test]
fn a_period_that_the_sensor_cannot_serve_is_rolled_back() -> Result<(), QemuError> {
    let bench = Bench::new(&wanted(1, "", 100))?;
    let mut board = bench.confirmed()?;
    let bad = bench.order(&wanted(2, "", 20));
    board.wait_for(&format!("running {}", id(&bad)))?;
    let line = board.wait_for(&format!("rolled back {}", id(&bad)))?;
    assert!(line.text.contains("sensor: the sensor needs 50 ms"), "{}", line.text);
    board.wait_for("sampling every 100 ms")?;
    board.pull_the_plug()
}

#[test]
fn a_wrong_server_address_is_rejected_as_unreachable() -> Result<(), QemuError> {
    let bench = Bench::new(&wanted(1, "", 100))?;
    let mut board = bench.confirmed()?;
    let bad = bench.order(&wanted(2, "10.0.2.2:1", 100));
    board.wait_for(&format!("staged {}", id(&bad)))?;
    board.wait_for("booted after Asked")?;
    board.wait_for("asking from the confirmed one")?;
    let line = board.wait_for(&format!("rolled back {}", id(&bad)))?;
    assert!(line.text.contains("refusal 63"), "{}", line.text);
    board.pull_the_plug()
}

#[test]
fn a_server_that_is_down_for_all_is_not_blamed_on_the_configuration() -> Result<(), QemuError> {
    let bench = Bench::new(&wanted(1, "", 100))?;
    let mut board = bench.confirmed()?;
    let second = bench.order(&wanted(2, "", 200));
    board.wait_for(&format!("staged {}", id(&second)))?;
    bench.server.set_mood(Mood::Silent);
    board.wait_for(&format!("inconclusive {}", id(&second)))?;
    bench.server.set_mood(Mood::Ordinary);
    board.wait_for(&format!("confirmed {}", id(&second)))?;
    board.pull_the_plug()
}

#[test]
fn without_contact_the_board_tries_its_other_slot_once_and_takes_orders_again_afterwards() -> Result<(), QemuError> {
    let bench = Bench::new(&wanted(1, "", 100))?;
    let mut board = bench.confirmed()?;
    let first = bench.order(&wanted(1, "", 100));
    let second = bench.order(&wanted(2, "", 200));
    board.wait_for(&format!("confirmed {}", id(&second)))?;
    bench.server.set_mood(Mood::Silent);
    board.wait_for(&format!("trial of {}", id(&first)))?;
    board.wait_for(&format!("running {}", id(&first)))?;
    board.wait_for("asking from the confirmed one")?;
    board.wait_for(&format!("running {}", id(&second)))?;
    board.wait_for(&format!("inconclusive {}", id(&first)))?;
    board.wait_for("suspended")?;
    bench.server.set_mood(Mood::Ordinary);
    let third = bench.order(&wanted(3, "", 300));
    let line = board.wait_for_any(&[&format!("trial of {}", id(&first)), &format!("confirmed {}", id(&third))])?;
    assert!(line.text.contains("confirmed"), "it was tried once: {}", line.text);
    board.pull_the_plug()
}

#[test]
fn a_slot_that_rots_is_mended_from_the_server_without_a_trial() -> Result<(), QemuError> {
    let bench = Bench::new(&wanted(1, "", 100))?;
    bench.confirmed()?.pull_the_plug()?;
    let first = bench.order(&wanted(1, "", 100));
    bench.flip_a_bit_of_slot_a();
    let mut board = bench.board.start()?;
    board.wait_for("running the firmware's defaults")?;
    let running = format!("running {}", id(&first));
    let line = board.wait_for_any(&["trial of", &running])?;
    assert!(line.text.contains(&running), "{}", line.text);
    board.wait_for("sampling every 100 ms")?;
    board.pull_the_plug()
}
