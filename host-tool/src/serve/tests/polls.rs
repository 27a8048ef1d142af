//! What devices are answered, and which bytes it takes.

use super::*;

#[test]
fn a_published_release_reaches_a_device_with_its_objects() {
    let fleet = Fleet::new();
    let server = Running::start(&fleet.config()).unwrap();
    let release = fleet.release(1, 2000);
    assert!(!server.publish(&release).unwrap().known);
    let device = Device::new(1);
    let poll = device.poll();
    let (_, body) = server.post("/v1/poll", &poll);
    device.clone().take(fleet.keyring(), &poll, &body);
    let Ok(Answer::Changed { envelope, inline: inlined, .. }) = Answer::decode(&body) else { panic!() };
    let envelope: Envelope<'_> = codec::decode(envelope).unwrap();
    let objects: Vec<_> = Manifest::parse(envelope.manifest).unwrap().objects().map(|e| e.object().unwrap()).collect();
    for (place, object) in objects.iter().enumerate() {
        let bytes = inline(inlined, place, |place| objects.get(place).map(|object| object.size)).unwrap();
        assert_eq!(Digest::of(bytes), object.digest);
        let path = format!("/v1/objects/{}", object.digest);
        assert_eq!(server.get(&path, None), (200, bytes.to_vec()));
        assert_eq!(server.get(&path, Some("bytes=3-")), (206, bytes[3..].to_vec()));
        assert_eq!(server.get(&path, Some("bytes=1-2")), (206, bytes[1..3].to_vec()));
        assert_eq!(server.get(&path, Some("bytes=9999-")).0, 416);
    }
    assert_eq!(server.get(&format!("/v1/objects/{}", Digest::of(b"none")), None).0, 404);
    assert_eq!(server.get("/v1/objects/zz", None).0, 404);
}

#[test]
fn who_prepares_is_given_the_configuration_even_if_the_same_bytes_run() {
    let fleet = Fleet::new();
    let server = Running::start(&fleet.config()).unwrap();
    server.publish(&fleet.release(1, 2000)).unwrap();
    let mut device = Device::new(1);
    update(&server, fleet.keyring(), &mut device);
    device.flags = PollFlags::SIGNED.with(PollFlags::PREPARING);
    let poll = device.poll();
    let (_, body) = server.post("/v1/poll", &poll);
    let runs = device.running;
    assert_eq!(device.take(fleet.keyring(), &poll, &body).0.id(), runs);
}

#[test]
fn only_what_the_device_lacks_comes_along() {
    let fleet = Fleet::new();
    let server = Running::start(&fleet.config()).unwrap();
    server.publish(&fleet.release(1, 2000)).unwrap();
    let mut device = Device::new(1);
    update(&server, fleet.keyring(), &mut device);
    server.publish(&fleet.release(2, 3000)).unwrap();
    let (_, body) = server.post("/v1/poll", &device.poll());
    let Ok(Answer::Changed { inline, .. }) = Answer::decode(&body) else { panic!() };
    assert_eq!(inline[0], 2, "the third section");
    assert_eq!(inline.len(), 1 + 16, "and nothing else");
}

#[test]
fn a_poll_with_nothing_new_costs_at_most_64_bytes_each_way() {
    let fleet = Fleet::new();
    let server = Running::start(&fleet.config()).unwrap();
    server.publish(&fleet.release(1, 2000)).unwrap();
    let mut device = Device::new(2);
    let order = update(&server, fleet.keyring(), &mut device);
    assert_eq!(server.post("/v1/report", &device.sign(&device.report(order.challenge))).0, 204);
    let long = Device { accepted: Position { epoch: 1000, sequence: 2_000_000 }, ..device.clone() };
    assert!(long.poll().len() <= 64, "{}", long.poll().len());
    let (status, body) = server.post("/v1/poll", &device.poll());
    assert_eq!((status, body.len()), (200, 0));
    let (_, body) = server.post("/v1/poll", &device.signed().poll());
    assert!((1..=96).contains(&body.len()), "{}", body.len());
}

#[test]
fn a_stranger_and_an_unknown_schema_get_unchanged() {
    let fleet = Fleet::new();
    let server = Running::start(&fleet.config()).unwrap();
    assert_eq!(unchanged(&server, fleet.keyring(), &Device::new(1)), None, "before the first release");
    server.publish(&fleet.release(1, 2000)).unwrap();
    let stranger = Device::new(99);
    assert_eq!(unchanged(&server, fleet.keyring(), &stranger), None);
    assert!(!unchanged(&server, fleet.keyring(), &stranger.signed()).unwrap().report_wanted);
    let mut poll: Poll = codec::decode(&Device::new(1).poll()).unwrap();
    poll.schema.0 = [0; 8];
    let (_, body) = server.post("/v1/poll", &postcard::to_extend(&poll, Vec::new()).unwrap());
    assert!(matches!(Answer::decode(&body), Ok(Answer::Unchanged(_))), "a report is wanted of a listed device");
    assert_eq!(server.post("/v1/poll", b"nonsense").0, 400);
    assert_eq!(server.post("/v1/poll", &[0; 500]).0, 413);
}

#[test]
fn a_raised_floor_is_adopted_without_a_download() {
    let fleet = Fleet::new();
    let server = Running::start(&fleet.config()).unwrap();
    server.publish(&fleet.release(1, 2000)).unwrap();
    let mut device = Device::new(1);
    update(&server, fleet.keyring(), &mut device);
    server.publish(&fleet.release(2, 2000)).unwrap();
    let (_, body) = server.post("/v1/poll", &device.poll());
    assert!(!matches!(Answer::decode(&body), Ok(Answer::Adopt { .. })), "same floor, nothing to adopt");
    let mut compiled = sample::fleet(4, 3, 2000);
    compiled.source.floor = 2;
    let pack = build(&compiled, sample::ISSUE).unwrap();
    let signatures = fleet.sign(&pack);
    server.publish(&(pack, signatures)).unwrap();
    let poll = device.poll();
    let (_, body) = server.post("/v1/poll", &poll);
    let Ok(Answer::Adopt { assignment, proof }) = Answer::decode(&body) else { panic!("{body:?}") };
    let asked = Asked { fleet: &sample::ISSUE.fleet, keyring: fleet.keyring(), poll: &poll };
    let fresh = asked.verify_assignment(&assignment).unwrap();
    let pack = build(&compiled, sample::ISSUE).unwrap();
    let content = pack.content(&pack.leaves().find(&device.id(), sample::SCHEMA.prefix()).unwrap());
    let verified = device.trust(fleet.keyring()).verify_proof(&proof, content, Some(&fresh)).unwrap();
    assert_eq!(verified.floor().sequence, 2);
    device.accepted = verified.position();
    let (_, body) = server.post("/v1/poll", &device.poll());
    assert!(!matches!(Answer::decode(&body), Ok(Answer::Adopt { .. })), "once is enough");
}

#[test]
fn a_refused_offer_is_not_sent_again_and_the_next_one_is() {
    let fleet = Fleet::new();
    let server = Running::start(&fleet.config()).unwrap();
    server.publish(&fleet.release(1, 2000)).unwrap();
    let mut device = Device::new(1);
    update(&server, fleet.keyring(), &mut device);
    server.publish(&fleet.release(2, 3000)).unwrap();
    let bad = fleet.release(2, 3000).0;
    let content = bad.content(&bad.leaves().find(&device.id(), sample::SCHEMA.prefix()).unwrap()).id();
    let refusing = Device { refused: Some(content.prefix()), ..device.clone() };
    let said = unchanged(&server, fleet.keyring(), &refusing).unwrap();
    let refused = Some(Refused { content, reason: Refusal::REJECTED_BEFORE });
    let report = Report { refused, ..refusing.report(said.challenge) };
    assert_eq!(server.post("/v1/report", &refusing.sign(&report)).0, 204);
    assert_eq!(unchanged(&server, fleet.keyring(), &refusing), None, "the report covers it");
    update(&server, fleet.keyring(), &mut device.clone());
    server.publish(&fleet.release(3, 4000)).unwrap();
    update(&server, fleet.keyring(), &mut refusing.clone());
}
