//! Which reports are wanted and taken, and what is said of devices after them.

use super::*;

#[test]
fn reports_are_asked_for_until_they_say_what_polls_say() {
    let fleet = Fleet::new();
    let server = Running::start(&fleet.config()).unwrap();
    server.publish(&fleet.release(1, 2000)).unwrap();
    let mut device = Device::new(1);
    update(&server, fleet.keyring(), &mut device);
    let wanted = |device: &Device| unchanged(&server, fleet.keyring(), device).filter(|said| said.report_wanted);
    let said = wanted(&device).expect("first contact");
    let trial = Report { trial: TrialState::Running(device.running), ..device.report(said.challenge) };
    assert_eq!(server.post("/v1/report", &device.sign(&trial)).0, 204);
    let said = wanted(&device).expect("the trial is not over");
    assert_eq!(server.post("/v1/report", &device.sign(&device.report(said.challenge))).0, 204);
    assert_eq!(wanted(&device), None);
    device.accepted.sequence += 1;
    assert!(wanted(&device).is_some(), "the poll disagrees with the report");
}

#[test]
fn a_report_is_taken_once_and_only_from_its_device() {
    let fleet = Fleet::new();
    let server = Running::start(&fleet.config()).unwrap();
    server.publish(&fleet.release(1, 2000)).unwrap();
    let mut device = Device::new(1);
    let order = update(&server, fleet.keyring(), &mut device);
    let body = device.sign(&device.report(order.challenge));
    for bit in 0..body.len() * 8 {
        let mut flipped = body.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let status = server.post("/v1/report", &flipped).0;
        assert!((400..500).contains(&status), "bit {bit}: {status}");
    }
    let as_other = Device { number: 2, ..device.clone() };
    assert_eq!(server.post("/v1/report", &as_other.sign(&as_other.report(order.challenge))).0, 409);
    let made_up = Challenge { code: [0; 8], ..order.challenge };
    assert_eq!(server.post("/v1/report", &device.sign(&device.report(made_up))).0, 409);
    assert_eq!(server.post("/v1/report", &body).0, 204);
    assert_eq!(server.post("/v1/report", &body).0, 409, "replayed");
    let said = unchanged(&server, fleet.keyring(), &device.signed()).unwrap();
    let newer = device.sign(&device.report(said.challenge));
    assert_eq!(server.post("/v1/report", &newer).0, 204);
    assert_eq!(server.post("/v1/report", &body).0, 409, "an older one");
    assert_eq!(server.post("/v1/report", &Device::new(99).sign(&device.report(said.challenge))).0, 404);
}

#[test]
fn a_server_without_a_release_puts_a_report_off_and_does_not_turn_it_away_for_good() {
    let fleet = Fleet::new();
    let server = Running::start(&fleet.config()).unwrap();
    let device = Device::new(1);
    let body = device.sign(&device.report(Challenge { issued_seconds: 1, code: [0; 8] }));
    assert_eq!(server.post("/v1/report", &body).0, 503);
    server.publish(&fleet.release(1, 2000)).unwrap();
    assert_eq!(server.post("/v1/report", &body).0, 409, "judged now");
}

#[test]
fn status_says_who_rolled_back_and_why() {
    let fleet = Fleet::new();
    let server = Running::start(&fleet.config()).unwrap();
    server.publish(&fleet.release(1, 2000)).unwrap();
    let mut device = Device::new(1);
    let order = update(&server, fleet.keyring(), &mut device);
    let good = device.clone();
    assert_eq!(server.post("/v1/report", &device.sign(&device.report(order.challenge))).0, 204);
    server.publish(&fleet.release(2, 1)).unwrap();
    let order = update(&server, fleet.keyring(), &mut device);
    let outcome = Outcome {
        ending: Ending::RolledBack,
        content: device.running,
        reason: Refusal::CHECK_FAILED,
        detail: "sensor: too fast".try_into().unwrap(),
    };
    let report = Report { outcome, ..good.report(order.challenge) };
    assert_eq!(server.post("/v1/report", &good.sign(&report)).0, 204);
    let (devices, _) = server.client.devices().unwrap();
    assert_eq!(devices.len(), 4);
    let rolled_back = devices.iter().find(|info| info.name == "sensor-1").unwrap();
    assert_eq!((rolled_back.standing, rolled_back.health.as_str()), (Standing::Refused, "rolled back"));
    let why = server.client.why("sensor-1").unwrap();
    let refusal = why.device.refusal.unwrap();
    assert_eq!((refusal.detail.as_str(), refusal.release), ("sensor: too fast", Some(2)));
    assert!(why.waiting_for.contains("agent.attempt") && why.reports.len() == 2, "{}", why.waiting_for);
    assert_eq!(server.client.why("sensor-2").unwrap().device.standing, Standing::Never);
    assert_eq!(server.client.why("nobody").unwrap_err().code(), Some(ProblemCode::NotFound));
}

#[test]
fn who_stands_aside_after_crashes_is_said_to_try_again_by_itself() {
    let fleet = Fleet::new();
    let server = Running::start(&fleet.config()).unwrap();
    server.publish(&fleet.release(1, 2000)).unwrap();
    let mut device = Device::new(1);
    let order = update(&server, fleet.keyring(), &mut device);
    let refused = Some(Refused { content: device.running, reason: Refusal::CRASH_LOOP });
    let aside = Report { running: ContentId::NONE, refused, ..device.report(order.challenge) };
    assert_eq!(server.post("/v1/report", &device.sign(&aside)).0, 204);
    let why = server.client.why("sensor-1").unwrap();
    assert_eq!(why.device.health, "on its firmware's defaults after crashes");
    assert!(why.waiting_for.contains("within ten minutes and by itself"), "{}", why.waiting_for);
}

#[test]
fn who_asks_with_another_schema_is_told_both() {
    let fleet = Fleet::new();
    let server = Running::start(&fleet.config()).unwrap();
    server.publish(&fleet.release(1, 2000)).unwrap();
    let device = Device::new(1);
    let mut poll: Poll = codec::decode(&device.poll()).unwrap();
    poll.schema.0 = [0; 8];
    let (poll, asked) = (postcard::to_extend(&poll, Vec::new()).unwrap(), poll.schema);
    let (_, body) = server.post("/v1/poll", &poll);
    let Ok(Answer::Unchanged(signed)) = Answer::decode(&body) else { panic!("a report is wanted") };
    let challenge = codec::decode::<Unchanged>(signed.statement).unwrap().challenge;
    let report = Report { schema: asked, ..device.report(challenge) };
    assert_eq!(server.post("/v1/report", &device.sign(&report)).0, 204);
    let why = server.client.why("sensor-1").unwrap();
    assert_eq!(why.device.standing, Standing::UnknownSchema);
    let wanted = "asks with schema 00000000…, the release has 5c5c5c5c… (sensor)";
    assert!(why.waiting_for.contains(wanted), "{}", why.waiting_for);
    let error = server.client.why("sensr-1").unwrap_err().to_string();
    assert!(error.contains("did you mean `sensor-1`?"), "{error}");
}

#[test]
fn who_has_no_key_is_not_enrolled() {
    let fleet = Fleet::new();
    let server = Running::start(&fleet.config()).unwrap();
    let mut compiled = sample::fleet(4, 1, 2000);
    compiled.roster[1].public_key = None;
    let pack = build(&compiled, sample::ISSUE).unwrap();
    let signatures = fleet.sign(&pack);
    server.publish(&(pack, signatures)).unwrap();
    let why = server.client.why("sensor-2").unwrap();
    assert_eq!((why.device.standing, why.device.health.as_str()), (Standing::NotEnrolled, "not enrolled"));
    assert!(why.waiting_for.contains("steadfast device enroll sensor-2"), "{}", why.waiting_for);
    assert_eq!(server.client.why("sensor-1").unwrap().device.standing, Standing::Never);
}

#[test]
fn a_failing_check_shows_on_an_older_configuration_too() {
    let fleet = Fleet::new();
    let server = Running::start(&fleet.config()).unwrap();
    server.publish(&fleet.release(1, 2000)).unwrap();
    let mut device = Device::new(1);
    let order = update(&server, fleet.keyring(), &mut device);
    server.publish(&fleet.release(2, 3000)).unwrap();
    let failing = Report { checks: Checks { passed: 0, failed: 1 }, ..device.report(order.challenge) };
    assert_eq!(server.post("/v1/report", &device.sign(&failing)).0, 204);
    let info = server.client.why("sensor-1").unwrap().device;
    assert_eq!((info.standing, info.health.as_str()), (Standing::Failing, "a check fails on an older configuration"));
}

#[test]
fn words_of_a_device_cannot_move_the_cursor() {
    let fleet = Fleet::new();
    let server = Running::start(&fleet.config()).unwrap();
    server.publish(&fleet.release(1, 2000)).unwrap();
    let mut device = Device::new(1);
    let order = update(&server, fleet.keyring(), &mut device);
    let (ending, detail) = (Ending::RolledBack, "\u{1b}[2Kfine\nroof: healthy".try_into().unwrap());
    let outcome = Outcome { ending, content: ContentId::NONE, reason: Refusal::CHECK_FAILED, detail };
    let report = Report { outcome, ..device.report(order.challenge) };
    assert_eq!(server.post("/v1/report", &device.sign(&report)).0, 204);
    let why = server.client.why("sensor-1").unwrap();
    let said = format!("{}{}", why.device.refusal.unwrap().detail, why.reports[0].words);
    assert!(said.contains("fine") && !said.contains(char::is_control), "{said:?}");
}

/// A world with a release, and a device that runs what it should by it.
async fn settled(fleet: &Fleet) -> (World, Device) {
    let (server, _) = start::open(&fleet.config()).await.unwrap();
    let (pack, signatures) = fleet.release(1, 2000);
    let world = server.world().with(pack, signatures);
    let (newest, device) = (world.newest.as_ref().unwrap(), Device::new(1));
    let place = newest.pack.leaves().find(&device.id(), sample::SCHEMA.prefix()).unwrap();
    let running = newest.content(&place);
    (world, Device { running, ..device })
}

/// What is said of it after a report; it was last seen so many seconds later.
fn told(world: &World, report: &Report, seconds: u64) -> (Standing, String, String) {
    let (device, taken_seconds) = (Device::new(1).id(), 1000);
    let [seen_seconds, now_seconds] = [taken_seconds + seconds; 2];
    let report = Some(report);
    let heard = Heard { device, seen_seconds, taken_seconds, since_seconds: taken_seconds, report, now_seconds };
    let info = status::device(world, &heard);
    let waiting_for = status::waiting_for(world, &info, report);
    (info.standing, info.health, waiting_for)
}

const CHALLENGE: Challenge = Challenge { issued_seconds: 1, code: [0; 8] };

#[tokio::test]
async fn what_a_device_tries_again_by_itself_is_not_called_refused() {
    let (world, settled) = settled(&Fleet::new()).await;
    let wanted = settled.running;
    let old = Device { running: ContentId::NONE, ..settled }.report(CHALLENGE);
    let refused = |reason| Some(Refused { content: wanted, reason });
    let ended =
        |reason| Outcome { ending: Ending::RolledBack, content: wanted, reason, detail: "".try_into().unwrap() };
    for reason in [Refusal::OBJECT_MISMATCH, Refusal::READ_BACK, Refusal::FLASH_FAILED, Refusal::SLOT_KEPT] {
        let refused = Report { refused: refused(reason), ..old.clone() };
        for report in [refused, Report { outcome: ended(reason), ..old.clone() }] {
            let (standing, health, waiting_for) = told(&world, &report, 0);
            assert_eq!((standing, health.as_str()), (Standing::Retrying, "could not take it, tries again"), "{reason}");
            assert!(waiting_for.contains("by itself"), "{waiting_for}");
        }
    }
    let rejected =
        Report { refused: refused(Refusal::REJECTED_BEFORE), outcome: ended(Refusal::CHECK_FAILED), ..old.clone() };
    assert_eq!(told(&world, &rejected, 0).0, Standing::Refused);
    let failed = Report { outcome: ended(Refusal::CHECK_FAILED), ..old };
    assert_eq!(told(&world, &failed, 0).0, Standing::Refused);
}

#[tokio::test]
async fn who_runs_what_it_should_is_healthy_only_when_its_checks_have_passed() {
    let (world, settled) = settled(&Fleet::new()).await;
    let passed = settled.report(CHALLENGE);
    assert_eq!(told(&world, &passed, 500).1, "healthy");
    let waiting = Report { checks: Checks::default(), ..passed };
    let words = "checks not passed yet: 1 of 1";
    let (standing, health, waiting_for) = told(&world, &waiting, 119);
    assert_eq!((standing, health.as_str()), (Standing::Current, words), "it has just restarted");
    assert!(waiting_for.ends_with(": sensor"), "{waiting_for}");
    let (standing, health, _) = told(&world, &waiting, 120);
    assert_eq!((standing, health.as_str()), (Standing::Failing, words), "a trial would be over");
}

#[tokio::test]
async fn a_report_that_says_the_same_does_not_begin_the_wait_for_checks_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("db"), sample::ISSUE.fleet).await.unwrap();
    let device = Device::new(1);
    for (second, passed) in [(10, 0), (20, 0), (30, 1), (40, 1)] {
        let report = device.report(Challenge { issued_seconds: second, ..CHALLENGE });
        let report = Report { checks: Checks { passed, failed: 0 }, ..report };
        let body = device.sign(&report);
        let taken = store::TakenReport { device: device.id(), taken_seconds: second, body, report };
        store.keep(&[taken]).await.unwrap();
        let row = store.devices().await.unwrap().remove(0);
        assert_eq!(row.since_seconds, if passed == 0 { 10 } else { 30 });
    }
}

#[tokio::test]
async fn what_was_said_long_ago_is_shown_with_its_age() {
    let (world, settled) = settled(&Fleet::new()).await;
    let newest = world.newest.as_ref().unwrap();
    let place = newest.pack.leaves().find(&settled.id(), sample::SCHEMA.prefix()).unwrap();
    let interval = newest.freshness_seconds(&place);
    let report = settled.report(CHALLENGE);
    assert_eq!(told(&world, &report, 0).1, "healthy");
    assert_eq!(told(&world, &report, 1 + 3 * interval).1, "healthy, silent");
}
