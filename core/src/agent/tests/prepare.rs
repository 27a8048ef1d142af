//! Firmware and configuration together: two firmwares that share one device.

use super::*;

const NEXT: SchemaId = SchemaId([4; 32]);

fn firmware(schema: SchemaId) -> Firmware {
    Firmware { id: FirmwareId([schema.0[0]; 8]), schema, ..FIRMWARE }
}

/// Content 2 for the next firmware.
fn offer_for_next() -> Offer {
    offer_for(NEXT, 2, 1)
}

/// An agent that runs content 1 and was told to prepare; it has just asked.
fn asking() -> (Agent, Instant) {
    let mut agent = Agent::new(DeviceId([1; 16]), FIRMWARE, settled(), 7);
    let now = Instant::from_milliseconds(0);
    for event in [Event::Started, Event::Read(Some(FACTS)), Event::Activated] {
        agent.handle(event, now);
    }
    agent.prepare(NEXT);
    let Action::Poll(flags) = agent.handle(Event::Tick(healthy(1)), now) else { panic!("it should ask") };
    assert!(flags.has(PollFlags::PREPARING) && flags.has(PollFlags::SIGNED));
    let poll = agent.poll(flags, [0; 8]);
    assert_eq!((poll.schema, poll.running), (NEXT.prefix(), content(1).id()));
    (agent, now)
}

/// The record after content 2 was prepared.
fn prepared() -> BootRecord {
    let (mut agent, now) = asking();
    let news = News::Changed(fresh(), Ok(offer_for_next()));
    assert_eq!(agent.handle(Event::Answer(news), now), Action::Stage(Slot::B));
    let staged = Staged { offer: offer_for_next(), intact: Intact::forge(Slot::B, content(2)), scope: Restart::Device };
    assert_eq!(agent.handle(Event::Staged(Ok(staged)), now), Action::Commit);
    agent.handle(Event::Committed, now);
    assert!(!agent.is_preparing());
    assert_eq!(agent.prepared(NEXT), Some(Slot::B));
    assert_eq!(agent.prepared(SCHEMA), None);
    agent.record.clone()
}

fn start(schema: SchemaId, record: BootRecord) -> Device {
    let mut device = Device::new(record);
    device.firmware = firmware(schema);
    device.boot();
    device
}

#[test]
fn preparing_is_one_record_write_and_changes_nothing_that_runs() {
    let record = prepared();
    assert_eq!((record.confirmed, record.trial, record.a), (Some(Slot::A), None, settled().a));
    assert_eq!(record.b.unwrap().standing, Standing::Prepared);
}

#[test]
fn whatever_goes_wrong_ends_the_attempt_and_ordinary_polls_go_on() {
    let refused = Refused { content: content(2).id(), reason: Refusal::BELOW_FLOOR };
    let failures = [
        (News::Silence, Refusal::OBJECT_UNAVAILABLE),
        (News::Nothing, Refusal::NOT_IN_RELEASE),
        (News::Unchanged(fresh()), Refusal::NOT_IN_RELEASE),
        (News::Refused(Refusal::MALFORMED), Refusal::MALFORMED),
        (News::Changed(fresh(), Err(refused)), Refusal::BELOW_FLOOR),
    ];
    for (news, reason) in failures {
        let (mut agent, now) = asking();
        agent.handle(Event::Answer(news), now);
        assert!(!agent.is_preparing() && agent.prepared(NEXT).is_none());
        assert_eq!(agent.refused().map(|refused| refused.reason), Some(reason));
        let Action::Wait(until) = agent.handle(Event::Tick(healthy(1)), now) else { panic!("it should wait") };
        let Action::Poll(flags) = agent.handle(Event::Tick(healthy(1)), until) else { panic!("it should poll") };
        assert!(!flags.has(PollFlags::PREPARING));
    }
}

/// How often an application that prepares every ten seconds for a day has content 2 staged, when that fails.
fn staged_in_a_day(agent: &mut Agent, between: fn(&mut Agent, Instant)) -> u32 {
    let mut staged = 0;
    for step in 0..8640 {
        let now = Instant::from_milliseconds(step * 10_000);
        agent.preparing = Some(NEXT);
        agent.phase = Phase::Preparing;
        let news = News::Changed(fresh(), Ok(offer_for_next()));
        if let Action::Stage(_) = agent.handle(Event::Answer(news), now) {
            staged += 1;
            let refused = Refused { content: content(2).id(), reason: Refusal::OBJECT_UNAVAILABLE };
            agent.handle(Event::Staged(Err(refused)), now);
        }
        assert!(!agent.is_preparing(), "the application is told");
        between(agent, now);
    }
    staged
}

#[test]
fn what_fails_in_staging_is_prepared_more_and_more_rarely() {
    let staged = staged_in_a_day(&mut asking().0, |_, _| {});
    assert!((24..=80).contains(&staged), "{staged} erased slots in a day");
}

#[test]
fn an_order_that_fails_meanwhile_does_not_shorten_that_pause() {
    let staged = staged_in_a_day(&mut asking().0, |agent, now| {
        agent.phase = Phase::Staging;
        let refused = Refused { content: content(3).id(), reason: Refusal::OBJECT_UNAVAILABLE };
        agent.handle(Event::Staged(Err(refused)), now);
    });
    assert!((24..=80).contains(&staged), "{staged} erased slots in a day");
}

#[test]
fn the_next_firmware_starts_what_was_prepared_as_a_trial_and_confirms_it() {
    let mut device = start(NEXT, prepared());
    device.checks = nothing_said;
    device.live(1);
    assert_eq!((device.runs(), device.flash.trial.map(|trial| trial.slot)), (2, Some(Slot::B)));
    device.checks = healthy;
    device.server = Server::Wants(2, 1);
    device.live(60);
    assert_eq!((device.flash.confirmed, device.ending().0), (Some(Slot::B), Ending::Confirmed));
    assert_eq!(device.flash.a, settled().a, "the former firmware finds its own");
}

#[test]
fn the_former_firmware_comes_back_to_its_own_before_and_after_the_confirm() {
    let mut next = start(NEXT, prepared());
    next.checks = nothing_said;
    next.live(1);
    let mut former = start(SCHEMA, next.flash.clone());
    former.live(1);
    assert_eq!((former.runs(), former.ending().0), (1, Ending::FirmwareReverted));
    assert!(former.flash.rejected.is_empty());

    // And forth again: what was prepared is prepared still.
    let mut next = start(NEXT, former.flash.clone());
    next.server = Server::Wants(2, 1);
    next.live(60);
    assert_eq!((next.runs(), next.flash.confirmed), (2, Some(Slot::B)));

    let mut former = start(SCHEMA, next.flash.clone());
    former.server = Server::Wants(1, 1);
    former.live(60);
    assert_eq!((former.runs(), former.flash.confirmed), (1, Some(Slot::A)));
}

#[test]
fn a_slot_that_was_confirmed_for_another_firmware_is_kept_until_this_one_is_final() {
    let mut next = start(NEXT, prepared());
    next.server = Server::Wants(2, 1);
    next.live(60);
    next.server = Server::Wants(3, 1);
    next.live(600);
    assert_eq!((next.runs(), next.staged), (2, 0));
    assert_eq!(next.agent.refused().map(|refused| refused.reason), Some(Refusal::SLOT_KEPT));
    assert_eq!(next.agent.poll(PollFlags::default(), [0; 8]).refused, None, "it is wanted still");
    next.agent.firmware_is_final();
    next.live(600);
    assert_eq!((next.runs(), next.staged), (3, 1));
}

#[test]
fn an_order_for_the_running_schema_takes_the_prepared_slot_back() {
    let mut device = start(SCHEMA, prepared());
    device.server = Server::Wants(3, 1);
    device.live(60);
    assert_eq!((device.runs(), device.flash.confirmed), (3, Some(Slot::B)));
    assert_eq!(device.agent.prepared(NEXT), None);
}

#[test]
fn a_floor_that_rose_since_makes_what_was_prepared_unfit() {
    let mut device = start(SCHEMA, prepared());
    device.server = Server::Wants(1, 5);
    device.live(3600);
    assert_eq!((device.flash.floor, device.agent.prepared(NEXT)), (position(5), None));
}

#[test]
fn what_was_prepared_is_not_confirmed_without_a_server() {
    let mut device = start(NEXT, prepared());
    device.live(10 * TRIAL_SECONDS);
    assert_eq!((device.flash.confirmed, device.flash.trial.unwrap().stage), (Some(Slot::A), Stage::Suspended));
    device.server = Server::Wants(2, 1);
    device.live(300);
    assert_eq!((device.runs(), device.ending().0), (2, Ending::Confirmed));
}

#[test]
fn what_was_prepared_is_tried_again_where_the_defaults_find_no_server() {
    let mut device = start(NEXT, prepared());
    device.connects = |number| number == 2;
    device.live(10 * TRIAL_SECONDS);
    assert_eq!((device.runs(), device.flash.trial.unwrap().stage), (0, Stage::Suspended));
    device.server = Server::Wants(2, 1);
    device.live(24 * 3600);
    assert_eq!((device.runs(), device.flash.confirmed, device.ending().0), (2, Some(Slot::B), Ending::Confirmed));
}

#[test]
fn another_firmware_tries_what_this_one_rejected() {
    let mut device = Device::new(settled());
    device.server = Server::Wants(2, 1);
    device.checks = two_is_sick;
    device.live(TRIAL_SECONDS / 2);
    device.firmware.id = FirmwareId([10; 8]);
    device.checks = healthy;
    device.boot();
    device.live(300);
    assert_eq!(device.runs(), 2);
}

#[test]
fn the_old_firmware_coming_back_ends_the_trial_without_a_rejection() {
    let mut record = with_trial(Stage::Running);
    record.b.as_mut().unwrap().schema = SchemaId([4; 32]).prefix();
    let mut device = Device::new(record);
    device.live(1);
    assert_eq!((device.runs(), device.ending().0), (1, Ending::FirmwareReverted));
    assert!(device.flash.rejected.is_empty());
}
