//! A slot under power cuts: every operation of staging, every tear, and the cut of every resumption.

use std::cell::Cell;
use std::rc::Rc;

use embassy_futures::block_on;
use steadfast_core::content::ObjectRef;
use steadfast_core::flash::layout::Slot;
use steadfast_core::flash::slot::{Intact, Store};
use steadfast_core::flash::stage::{ObjectSource, Target};
use steadfast_core::refusal::Refusal;
use steadfast_tests::figures::tell;
use steadfast_tests::flash::{Case, Cases, Geometry, INTERNAL, Nor, SERIAL, Tear, WIDE};
use steadfast_tests::samples::{Configuration, bytes};

/// The working buffer; a small one, so that objects take several operations.
const CHUNK_BYTES: usize = 1000;

/// A server with one configuration that counts what it hands out, in helpings of odd size.
struct Server<'a> {
    configuration: &'a Configuration,
    fetched: Rc<Cell<usize>>,
}

impl ObjectSource for Server<'_> {
    async fn read(
        &mut self,
        index: usize,
        object: ObjectRef,
        offset: u32,
        buffer: &mut [u8],
    ) -> Result<usize, Refusal> {
        let bytes = &self.configuration.bytes(index)[offset as usize..];
        assert!(object.size as usize >= bytes.len() && !buffer.is_empty());
        let count = buffer.len().min(bytes.len()).min(333);
        buffer[..count].copy_from_slice(&bytes[..count]);
        self.fetched.set(self.fetched.get() + count);
        Ok(count)
    }
}

/// What A holds, what B held, and what B is to hold.
struct World {
    confirmed: Configuration,
    former: Configuration,
    wanted: Configuration,
    /// Bytes of `wanted` that A does not hold.
    missing: usize,
    /// Bytes of the object `filler`, when it reads like erased flash.
    blank: usize,
}

impl World {
    /// Objects that are the same in A, new ones across block borders, an empty one and a private one.
    fn new(filler: Vec<u8>, blank: usize) -> Self {
        let confirmed = [
            ("alarms", bytes(1, 40)),
            ("filler", bytes(2, 100)),
            ("network", bytes(3, 1500)),
            ("sampling", bytes(4, 2100)),
        ];
        let missing = filler.len() + 1777 + 300;
        let wanted = [
            ("alarms", bytes(1, 40)),
            ("filler", filler),
            ("network", bytes(5, 1777)),
            ("sampling", bytes(4, 2100)),
            ("tail", Vec::new()),
        ];
        let former = [("alarms", bytes(6, 3000)), ("network", bytes(7, 6000))];
        Self {
            confirmed: Configuration::new(&confirmed, Some(bytes(8, 90))),
            former: Configuration::new(&former, None),
            wanted: Configuration::new(&wanted, Some(bytes(9, 300))),
            missing,
            blank,
        }
    }

    fn plain() -> Self {
        Self::new(bytes(10, 5000), 0)
    }

    /// One object reads like blocks of erased flash.
    fn blank(geometry: Geometry) -> Self {
        Self::new(vec![geometry.layout.erased; 7000], 7000)
    }
}

fn read_back<const R: usize, const W: usize, const E: usize>(
    flash: &mut Nor<R, W, E>,
    slot: Slot,
    configuration: &Configuration,
) -> Option<Intact> {
    let layout = flash.geometry.layout;
    let mut store = Store { flash, layout: &layout, chunk: &mut [0; CHUNK_BYTES] };
    block_on(store.read_back(slot, &configuration.content()))
}

fn stage<const R: usize, const W: usize, const E: usize>(
    flash: &mut Nor<R, W, E>,
    configuration: &Configuration,
    target: Target<'_>,
) -> (Result<Intact, Refusal>, usize) {
    let layout = flash.geometry.layout;
    let mut server = Server { configuration, fetched: flash.mark.clone() };
    let mut store = Store { flash, layout: &layout, chunk: &mut [0; CHUNK_BYTES] };
    let staged = block_on(store.stage(&configuration.wanted(target), &mut server));
    (staged, server.fetched.get())
}

/// A holds the confirmed configuration, B the former one.
fn settled<const R: usize, const W: usize, const E: usize>(
    geometry: Geometry,
    world: &World,
) -> (Nor<R, W, E>, Intact) {
    let mut flash = Nor::new(geometry);
    let donor = stage(&mut flash, &world.confirmed, Target::Slot(Slot::A)).0.expect("an empty slot takes it");
    stage(&mut flash, &world.former, Target::Slot(Slot::B)).0.expect("an empty slot takes it");
    assert_eq!(flash.image.sins, Vec::<String>::new());
    (flash.restart(flash.image.clone()), donor)
}

fn check_bytes<const R: usize, const W: usize, const E: usize>(
    flash: &mut Nor<R, W, E>,
    intact: &Intact,
    wanted: &Configuration,
) {
    let layout = flash.geometry.layout;
    let mut store = Store { flash, layout: &layout, chunk: &mut [0; CHUNK_BYTES] };
    let mut buffer = [0; 8192];
    for (index, name) in ["alarms", "filler", "network", "sampling", "tail"].into_iter().enumerate() {
        let section = block_on(intact.section(&mut store, name, &mut buffer));
        assert_eq!(section, Ok(Some(wanted.bytes(index))), "{name}");
    }
    assert_eq!(block_on(intact.section(&mut store, "wifi", &mut buffer)), Ok(None));
    assert_eq!(block_on(intact.private(&mut store, &mut buffer)), Ok(wanted.private.as_deref()));
    let manifest = block_on(intact.manifest(&mut store, &mut buffer)).map(|manifest| manifest.bytes());
    assert_eq!(manifest, Ok(&wanted.manifest[..]));
}

struct Explorer {
    cases: Cases,
    world: World,
    donor: Intact,
    /// Of the cuts of a resumption one in so many is made; which ones depends on the first cut.
    one_in: usize,
}

impl Explorer {
    /// Cuts power in every operation in the flash's journal. `fetched` bytes had been fetched before it began.
    fn cut_all<const R: usize, const W: usize, const E: usize>(
        &mut self,
        flash: &Nor<R, W, E>,
        case: &Case,
        fetched: usize,
    ) {
        for (index, step) in flash.journal.iter().enumerate() {
            for (number, tear) in flash.tears(&step.operation).enumerate() {
                let sampled = |(first, _): &(usize, Tear)| (number + index + first).is_multiple_of(self.one_in);
                if !case.cuts.first().is_none_or(sampled) {
                    continue;
                }
                let (case, image) = (case.and(index, tear), flash.torn(step, tear));
                if let Some(number) = self.cases.admit(&case, &step.operation, &image) {
                    let fetched = fetched + step.mark;
                    Cases::check(&case, number, || self.resume(flash.restart(image), &case, fetched));
                }
            }
        }
    }

    fn resume<const R: usize, const W: usize, const E: usize>(
        &mut self,
        mut flash: Nor<R, W, E>,
        case: &Case,
        before: usize,
    ) {
        let world = &self.world;
        let donor_before = slot_bytes(&flash, Slot::A).to_vec();
        let was_intact = read_back(&mut flash, Slot::B, &world.wanted).is_some();
        let (staged, fetched) = stage(&mut flash, &world.wanted, Target::Beside(&self.donor));
        let intact = staged.expect("staging ends");
        assert_eq!(flash.image.sins, Vec::<String>::new());
        assert_eq!(intact.slot(), Slot::B);
        assert!(slot_bytes(&flash, Slot::A) == donor_before, "the donor was touched");
        assert!(!was_intact || flash.journal.is_empty(), "an intact slot was written");
        check_bytes(&mut flash, &intact, &world.wanted);

        // What a cut costs: the block that was being written, one that a torn word may have touched, and blocks that
        // read as blank behind them.
        let lost = case.cuts.len() * (2 * flash.geometry.layout.b.erase_bytes as usize + world.blank);
        assert!(fetched <= world.missing, "{fetched} bytes fetched of {}", world.missing);
        assert!(before + fetched <= world.missing + lost, "{before} and then {fetched} bytes fetched");
        if case.cuts.len() == 1 {
            self.cut_all(&flash, &Case { phase: "resume".into(), ..case.clone() }, before);
        }
    }
}

fn survives<const R: usize, const W: usize, const E: usize>(
    geometry: Geometry,
    (name, world): (&str, World),
    one_in: usize,
) {
    let (mut flash, donor) = settled::<R, W, E>(geometry, &world);
    let (staged, fetched) = stage(&mut flash, &world.wanted, Target::Beside(&donor));
    assert_eq!(staged.map(|intact| intact.slot()), Ok(Slot::B));
    assert_eq!(fetched, world.missing);
    let mut explorer = Explorer { cases: Cases::new(), world, donor, one_in };
    let case = Case { geometry: geometry.name, phase: format!("stage-{name}"), cuts: Vec::new() };
    explorer.cut_all(&flash, &case, 0);
    tell(&format!("slot: {}", explorer.cases));
}

#[test]
fn every_power_cut_in_staging_is_made_good_internal() {
    survives::<4, 8, 2048>(INTERNAL, ("plain", World::plain()), 11);
}

#[test]
fn every_power_cut_in_staging_is_made_good_wide() {
    survives::<1, 32, 4096>(WIDE, ("plain", World::plain()), 3);
}

#[test]
fn every_power_cut_in_staging_is_made_good_serial() {
    survives::<1, 1, 4096>(SERIAL, ("plain", World::plain()), 997);
}

#[test]
fn every_power_cut_in_staging_what_reads_like_erased_flash_is_made_good_internal() {
    survives::<4, 8, 2048>(INTERNAL, ("blank", World::blank(INTERNAL)), 11);
}

#[test]
fn every_power_cut_in_staging_what_reads_like_erased_flash_is_made_good_wide() {
    survives::<1, 32, 4096>(WIDE, ("blank", World::blank(WIDE)), 3);
}

fn slot_bytes<const R: usize, const W: usize, const E: usize>(flash: &Nor<R, W, E>, slot: Slot) -> &[u8] {
    let region = flash.geometry.layout.slot(slot);
    &flash.image.bytes[region.start as usize..region.end() as usize]
}
