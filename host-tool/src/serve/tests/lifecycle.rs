//! Publishing, restarting, and what stands in the way of either.

use std::pin::Pin;
use std::task::Poll as Polled;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;

use super::*;

#[test]
fn releases_only_grow_and_bad_uploads_change_nothing() {
    let fleet = Fleet::new();
    let server = Running::start(&fleet.config()).unwrap();
    let second = fleet.release(2, 2000);
    server.publish(&second).unwrap();
    assert!(server.publish(&second).unwrap().known, "the same once more is fine");
    let code = |release: &(Pack, Vec<u8>)| server.publish(release).unwrap_err().code().unwrap();
    assert_eq!(code(&fleet.release(1, 2000)), ProblemCode::Superseded);
    assert_eq!(code(&fleet.release(2, 9000)), ProblemCode::Refused, "not newer, and not the same");
    let (pack, _) = fleet.release(3, 2000);
    assert_eq!(code(&(pack, Vec::new())), ProblemCode::Unverified);
    let (pack, _) = fleet.release(3, 2000);
    let stranger = Fleet::new().sign(&pack);
    assert_eq!(code(&(pack, stranger)), ProblemCode::Unverified);
    let (status, _) = server.post("/v1/releases", second.0.bytes());
    assert_eq!(status, 400, "without signatures in the header");
    let floored = |sequence, floor| {
        let mut compiled = sample::fleet(4, sequence, 2000);
        compiled.source.floor = floor;
        let pack = build(&compiled, sample::ISSUE).unwrap();
        let signatures = fleet.sign(&pack);
        (pack, signatures)
    };
    assert_eq!(code(&floored(3, 3)), ProblemCode::Refused);
    server.publish(&floored(3, 2)).unwrap();
    assert_eq!(code(&floored(4, 1)), ProblemCode::Refused);
    assert_eq!(server.client.fleet().unwrap().newest.unwrap().sequence, 3);
}

#[tokio::test]
async fn an_upload_is_judged_by_its_first_bytes() {
    let fleet = Fleet::new();
    let (server, _) = start::open(&fleet.config()).await.unwrap();
    let (pack, signatures) = fleet.release(1, 2000);
    let judge = |first: &[u8], signatures: &[u8]| intake::announced(first, signatures, &server.world(), &[]);
    let first = &pack.bytes()[..crate::pack::HEAD_MAX_BYTES];
    assert!(judge(first, &signatures).is_ok());
    let stranger = Fleet::new().sign(&pack);
    assert!(matches!(judge(first, &stranger), Err(intake::IntakeError::Verify(_))));
    assert!(matches!(judge(&first[..40], &signatures), Err(intake::IntakeError::Pack(_))));
    let mut other = first.to_vec();
    other[8] ^= 1;
    assert!(matches!(judge(&other, &signatures), Err(intake::IntakeError::Verify(_))));
}

/// What a publisher sends along with a pack.
fn headers(signatures: &[u8]) -> HeaderMap {
    HeaderMap::from_iter([(api::SIGNATURES_HEADER.parse().unwrap(), crate::hex::encode(signatures).parse().unwrap())])
}

#[tokio::test]
async fn a_release_whose_uploader_hangs_up_is_taken_as_a_whole() {
    let fleet = Fleet::new();
    let server = Arc::new(start::open(&fleet.config()).await.unwrap().0);
    let (pack, signatures) = fleet.release(1, 2000);
    let body = Body::from(pack.bytes().to_vec());
    let mut upload = Box::pin(manage::publish(State(server.clone()), headers(&signatures), body));
    while server.intake.try_lock().is_ok() {
        std::future::poll_fn(|context| Polled::Ready(Pin::new(&mut upload).poll(context).is_ready())).await;
        tokio::task::yield_now().await;
    }
    drop(upload);
    let _taken = server.intake.lock().await;
    let served = server.world().newest.as_ref().map(|newest| newest.pack.digest());
    assert_eq!(served, Some(pack.digest()));
    assert_eq!(server.store.releases().await.unwrap().len(), 1);
}

#[test]
fn everything_acknowledged_is_there_after_a_restart() {
    let fleet = Fleet::new();
    let mut device = Device::new(1);
    {
        let server = Running::start(&fleet.config()).unwrap();
        server.publish(&fleet.release(1, 2000)).unwrap();
        let order = update(&server, fleet.keyring(), &mut device);
        assert_eq!(server.post("/v1/report", &device.sign(&device.report(order.challenge))).0, 204);
    }
    let releases = fleet.config().data.join("releases");
    fs::write(releases.join("1-2.incoming"), b"half an upload").unwrap();
    fs::write(releases.join("1-2.pack"), b"a file without its row").unwrap();
    let only_data = Config { keyring: None, director_key: None, ..fleet.config() };
    let server = Running::start(&only_data).unwrap();
    assert_eq!(server.recovered.len(), 2, "{:?}", server.recovered);
    assert_eq!(unchanged(&server, fleet.keyring(), &device), None, "it remembers the report");
    let why = server.client.why("sensor-1").unwrap();
    assert_eq!((why.device.standing, why.reports.len()), (Standing::Current, 1));
    assert_eq!(why.running.unwrap().sequence, 1);
}

#[test]
fn a_release_whose_pack_is_damaged_is_said_and_can_be_published_again() {
    let fleet = Fleet::new();
    let release = fleet.release(1, 2000);
    {
        Running::start(&fleet.config()).unwrap().publish(&release).unwrap();
    }
    let path = fleet.config().data.join("releases/1-1.pack");
    let mut bytes = fs::read(&path).unwrap();
    bytes[100] ^= 1;
    fs::write(&path, bytes).unwrap();
    let server = Running::start(&fleet.config()).unwrap();
    assert!(server.recovered.iter().any(|line| line.contains("publish it again")), "{:?}", server.recovered);
    assert_eq!(unchanged(&server, fleet.keyring(), &Device::new(1)), None, "devices keep what they have");
    assert!(!server.client.fleet().unwrap().served);
    server.publish(&release).unwrap();
    assert!(server.client.fleet().unwrap().served);
    update(&server, fleet.keyring(), &mut Device::new(1));
}

fn start_error(config: &Config) -> String {
    Running::start(config).err().expect("it must not start").to_string()
}

#[test]
fn what_stands_in_the_way_of_a_start_is_said() {
    let fleet = Fleet::new();
    let server = Running::start(&fleet.config()).unwrap();
    assert!(start_error(&fleet.config()).contains("another `steadfast serve` uses"));
    let elsewhere = Config {
        data: fleet.folder.path().join("other"),
        listen: server.url.strip_prefix("http://").unwrap().parse().unwrap(),
        ..fleet.config()
    };
    assert!(start_error(&elsewhere).contains("in use by another program"));
    drop(server);
    let database = fleet.config().data.join("steadfast.db");
    for extra in ["steadfast.db-wal", "steadfast.db-shm"] {
        drop(fs::remove_file(fleet.config().data.join(extra)));
    }
    fs::write(&database, vec![0x5A; 8192]).unwrap();
    assert!(start_error(&fleet.config()).contains("is damaged"));
}

#[test]
fn a_wrong_director_or_another_fleets_data_is_refused() {
    let (fleet, other) = (Fleet::new(), Fleet::new());
    let wrong = Config { director_key: Some(other.folder.path().join("director.key")), ..fleet.config() };
    assert!(start_error(&wrong).contains("is not among the director keys of keyring 1"));
    let kept = Fleet::new();
    drop(Running::start(&kept.config()).unwrap());
    let elsewhere = Config { director_key: wrong.director_key, ..kept.config() };
    assert!(start_error(&elsewhere).contains("has another director key"));
    let elsewhere = Config { keyring: fleet.config().keyring, ..kept.config() };
    assert!(start_error(&elsewhere).contains("has another keyring 1"));
    let gone = Config { director_key: Some("/nowhere/director.key".into()), ..kept.config() };
    assert!(Running::start(&gone).is_ok(), "it is needed once");
    let keyless = Config { director_key: None, ..fleet.config() };
    assert!(start_error(&keyless).contains("has no director key yet"));
    let empty = Config { keyring: None, director_key: None, ..fleet.config() };
    assert!(start_error(&empty).contains("a director key was made"));
    let fresh = Fleet::new();
    drop(Running::start(&fresh.config()).unwrap());
    copy_database(&fresh.config().data, &fleet.folder.path().join("moved"));
}

/// A data directory whose database came from another fleet.
fn copy_database(from: &Path, to: &Path) {
    let one = RolePlan { make: 1, known: Vec::new(), threshold: 1 };
    let id = steadfast_core::id::FleetId([9; 16]);
    let planned = Plan { fleet: id, root: one.clone(), publisher: one.clone(), director: one }.carry_out().unwrap();
    planned.write(&to.join("keys/keyring"), to).unwrap();
    let data = to.join("data");
    fs::create_dir_all(&data).unwrap();
    fs::copy(from.join("steadfast.db"), data.join("steadfast.db")).unwrap();
    let config = Config {
        data,
        listen: "127.0.0.1:0".parse().unwrap(),
        keyring: Some(to.join("keys/keyring")),
        director_key: Some(to.join("director.key")),
        log: |_| {},
    };
    assert!(start_error(&config).contains("belongs to fleet"));
}
