//! What only an emulated board's own log shows: hot changes, restarts, lost contact, a rotten slot, crashes in a row.

use steadfast::demo::machine::Machine;
use steadfast_tests::bench::{Bench, id, wanted};
use steadfast_tests::on_each_board;
use steadfast_tests::qemu::QemuError;
use steadfast_tests::server::Mood;

on_each_board!(
    a_change_restarts_no_more_than_it_must_and_only_what_changed_is_fetched,
    without_contact_the_board_tries_its_other_slot_once_and_takes_orders_again_afterwards,
    a_slot_that_rots_is_mended_from_the_server_without_a_trial,
    a_confirmed_configuration_that_crashes_before_any_answer_makes_way_for_the_next_order,
);

fn a_change_restarts_no_more_than_it_must_and_only_what_changed_is_fetched(machine: Machine) -> Result<(), QemuError> {
    let bench = Bench::new(machine, &wanted(1, "", 100))?;
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

    let third = bench.order(&wanted(3, &bench.server.address(), 200));
    board.wait_for(&format!("staged {}", id(&third)))?;
    let running = format!("running {}", id(&third));
    let line = board.wait_for_any(&["booted after Asked", &running])?;
    assert!(line.text.contains("booted"), "a way to the server is taken by the whole device: {}", line.text);
    board.wait_for(&running)?;
    board.wait_for(&format!("confirmed {}", id(&third)))?;
    board.pull_the_plug()?;

    let mut again = bench.board.start()?;
    again.wait_for(&running)?;
    again.pull_the_plug()
}

fn without_contact_the_board_tries_its_other_slot_once_and_takes_orders_again_afterwards(
    machine: Machine,
) -> Result<(), QemuError> {
    let bench = Bench::new(machine, &wanted(1, "", 100))?;
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

fn a_slot_that_rots_is_mended_from_the_server_without_a_trial(machine: Machine) -> Result<(), QemuError> {
    let bench = Bench::new(machine, &wanted(1, "", 100))?;
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

fn a_confirmed_configuration_that_crashes_before_any_answer_makes_way_for_the_next_order(
    machine: Machine,
) -> Result<(), QemuError> {
    let bench = Bench::new(machine, &wanted(1, "", 100))?;
    let mut board = bench.confirmed()?;
    let first = bench.order(&wanted(1, "", 100));
    bench.server.set_mood(Mood::Silent);
    let first = format!("running {}", id(&first));
    // After the run that was answered, and after each of three that were not.
    for wanted in [&*first, &first, &first, "running the firmware's defaults"] {
        bench.debugger.crash().expect("the debugger reaches the processor");
        board.wait_for("booted after Fault")?;
        let line = board.wait_for("running ")?;
        assert!(line.text.contains(wanted), "{}", board.log());
    }
    bench.server.set_mood(Mood::Ordinary);
    let second = bench.order(&wanted(2, "", 200));
    board.wait_for(&format!("confirmed {}", id(&second)))?;
    board.pull_the_plug()
}
