//! The emulated board runs the agent: first configuration, update, a failing check, a wrong server, power cuts.

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
    board.wait_for("booted after Asked")?;
    board.wait_for(&format!("running {}", id(&second)))?;
    board.wait_for("sampling every 200 ms")?;
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
