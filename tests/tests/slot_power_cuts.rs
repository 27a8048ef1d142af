//! A slot under power cuts: every operation of staging, every tear, and the cut of every resumption.

use std::cell::Cell;
use std::rc::Rc;

use embassy_futures::block_on;
use steadfast_core::content::ObjectRef;
use steadfast_core::flash::layout::Slot;
use steadfast_core::flash::slot::{Intact, Store};
use steadfast_core::flash::stage::{Finish, ObjectSource, Target, Wanted};
use steadfast_core::manifest::Kind;
use steadfast_core::refusal::Refusal;
use steadfast_tests::flash::{Case, Cases, Geometry, Nor, Rates};
use steadfast_tests::on_geometries;
use steadfast_tests::samples::{Configuration, bytes};

/// The working buffer; a small one, so that objects take several operations.
const CHUNK_BYTES: usize = 1000;

/// How often what was staged is read, to see whether it always reads the same.
const UNSTABLE_READS: usize = 3;

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

fn stage<const R: usize, const W: usize>(
    flash: &mut Nor<R, W>,
    configuration: &Configuration,
    (target, finish): (Target<'_>, Finish),
) -> (Result<Intact, Refusal>, usize) {
    let layout = flash.geometry.layout;
    let mut server = Server { configuration, fetched: flash.mark.clone() };
    let mut store = Store { flash, layout: &layout, chunk: &mut [0; CHUNK_BYTES] };
    let staged = block_on(store.stage(&Wanted { finish, ..configuration.wanted(target) }, &mut server));
    (staged, server.fetched.get())
}

/// A holds the confirmed configuration, B the former one.
fn settled<const R: usize, const W: usize>(geometry: Geometry, world: &World) -> (Nor<R, W>, Intact) {
    let mut flash = Nor::new(geometry);
    let donor = stage(&mut flash, &world.confirmed, (Target::Slot(Slot::A), Finish::Unknown))
        .0
        .expect("an empty slot takes it");
    stage(&mut flash, &world.former, (Target::Slot(Slot::B), Finish::Unknown)).0.expect("an empty slot takes it");
    assert_eq!(flash.image.sins, Vec::<String>::new());
    (flash.restart(flash.image.clone()), donor)
}

fn check_bytes<const R: usize, const W: usize>(flash: &mut Nor<R, W>, intact: &Intact, wanted: &Configuration) {
    let layout = flash.geometry.layout;
    let mut store = Store { flash, layout: &layout, chunk: &mut [0; CHUNK_BYTES] };
    let mut buffer = [0; 8192];
    for (index, object) in wanted.wanted(Target::Slot(intact.slot())).manifest.objects().enumerate() {
        let section = block_on(intact.section(&mut store, object.section, &mut buffer));
        let expected = matches!(object.kind, Kind::Config(_)).then(|| wanted.bytes(index));
        assert_eq!(section, Ok(expected), "{}", object.section);
    }
    assert_eq!(block_on(intact.private(&mut store, &mut buffer)), Ok(wanted.private.as_deref()));
    let manifest = block_on(intact.manifest(&mut store, &mut buffer)).map(|manifest| manifest.bytes());
    assert_eq!(manifest, Ok(&wanted.manifest[..]));
}

/// What a device wants when it comes back.
enum Then {
    /// The same.
    Wanted,
    /// What the slot held before: the change was taken back meanwhile.
    Former,
}

struct Explorer {
    cases: Cases,
    world: World,
    donor: Intact,
    then: Then,
}

impl Explorer {
    /// Cuts power in every operation in the flash's journal. `fetched` bytes had been fetched before it began.
    fn cut_all<const R: usize, const W: usize>(&mut self, flash: &Nor<R, W>, case: &Case, fetched: usize) {
        if !self.cases.goes_to(case.cuts.len() + 1) {
            return;
        }
        for (index, step) in flash.journal.iter().enumerate() {
            for tear in flash.tears(&step.operation) {
                let case = case.and(index, tear);
                if !self.cases.draws(&case) {
                    continue;
                }
                let image = flash.torn(step, tear);
                if let Some(number) = self.cases.admit(&case, &step.operation, &image) {
                    let fetched = fetched + step.mark;
                    let resumed = Cases::check(&case, number, || self.resume(flash.restart(image), &case, fetched));
                    self.cut_all(&resumed, &case, fetched);
                }
            }
        }
    }

    /// Stages what is wanted now, after a reset; then once more, which must not write. Returns the flash with its journal.
    fn resume<const R: usize, const W: usize>(&self, mut flash: Nor<R, W>, case: &Case, before: usize) -> Nor<R, W> {
        let world = &self.world;
        let (wanted, missing) = match self.then {
            Then::Wanted => (&world.wanted, world.missing),
            Then::Former => (&world.former, world.former.objects.iter().flatten().map(Vec::len).sum()),
        };
        let donor_before = slot_bytes(&flash, Slot::A);
        let target = Target::Beside(&self.donor);
        let (staged, fetched) = stage(&mut flash, wanted, (target, Finish::Unknown));
        let intact = staged.expect("staging ends");
        assert_eq!(flash.image.sins, Vec::<String>::new());
        assert_eq!(intact.slot(), Slot::B);
        assert!(slot_bytes(&flash, Slot::A) == donor_before, "the donor was touched");
        for _ in 0..UNSTABLE_READS {
            check_bytes(&mut flash, &intact, wanted);
        }

        // What a cut costs: the block that was being written, one that a torn word may have touched, and blocks that
        // read as blank behind them.
        let lost = case.cuts.len() * (2 * flash.geometry.layout.b.erase_bytes as usize + world.blank);
        assert!(fetched <= missing, "{fetched} bytes fetched of {missing}");
        if matches!(self.then, Then::Wanted) {
            assert!(before + fetched <= missing + lost, "{before} and then {fetched} bytes fetched");
        }

        let mut again = flash.restart(flash.image.clone());
        let (staged, _) = stage(&mut again, wanted, (target, Finish::Known));
        assert!(staged.is_ok() && again.journal.is_empty(), "a slot that is finished was written");
        flash
    }
}

/// Every cut alone, and pairs of cuts, more of them where words are wide.
fn rates(geometry: &Geometry) -> Rates {
    let pairs = match geometry.word_bytes {
        32.. => 1,
        16 => 4,
        8 => 16,
        _ => 4096,
    };
    let single = if geometry.word_bytes < 8 { 8 } else { 1 };
    Rates { full: [Some(1), Some(pairs), None], ordinary: [Some(single), Some(64 * pairs), None] }
}

fn survives<const R: usize, const W: usize>(what: &'static str, geometry: Geometry, (world, then): (World, Then)) {
    let Some(cases) = Cases::new((what, geometry.name), rates(&geometry)) else { return };
    let (mut flash, donor) = settled::<R, W>(geometry, &world);
    let (staged, fetched) = stage(&mut flash, &world.wanted, (Target::Beside(&donor), Finish::Unknown));
    assert_eq!(staged.map(|intact| intact.slot()), Ok(Slot::B));
    assert_eq!(fetched, world.missing);
    let mut explorer = Explorer { cases, world, donor, then };
    let case = explorer.cases.base(what);
    explorer.cut_all(&flash, &case, 0);
    explorer.cases.finish();
}

fn plain<const R: usize, const W: usize>(geometry: Geometry) {
    survives::<R, W>("staging", geometry, (World::plain(), Then::Wanted));
}

fn taken_back<const R: usize, const W: usize>(geometry: Geometry) {
    survives::<R, W>("staging-taken-back", geometry, (World::plain(), Then::Former));
}

fn blank<const R: usize, const W: usize>(geometry: Geometry) {
    survives::<R, W>("staging-blank", geometry, (World::blank(geometry), Then::Wanted));
}

on_geometries!(every_power_cut_in_staging_is_made_good, plain, [
    internal INTERNAL, wide WIDE, serial SERIAL, serial64 SERIAL64, nrf52 NRF52, stm32f1 STM32F1, stm32f4 STM32F4,
    stm32h7 STM32H7, stm32l1 STM32L1, stm32u5 STM32U5, cfi CFI, three THREE,
]);

on_geometries!(every_power_cut_in_staging_what_is_then_taken_back_is_made_good, taken_back, [
    internal INTERNAL, wide WIDE, serial SERIAL, serial64 SERIAL64, nrf52 NRF52, stm32f1 STM32F1, stm32f4 STM32F4,
    stm32h7 STM32H7, stm32l1 STM32L1, stm32u5 STM32U5, cfi CFI, three THREE,
]);

on_geometries!(every_power_cut_in_staging_what_reads_like_erased_flash_is_made_good, blank, [
    internal INTERNAL, wide WIDE, stm32l1 STM32L1, stm32u5 STM32U5, three THREE,
]);

fn slot_bytes<const R: usize, const W: usize>(flash: &Nor<R, W>, slot: Slot) -> Vec<u8> {
    let region = flash.geometry.layout.slot(slot);
    flash.image.bytes(region.start as usize..region.end() as usize)
}
