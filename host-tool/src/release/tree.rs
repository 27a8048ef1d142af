//! The Merkle tree over a release's leaves, built level by level.
//!
//! A last node without a sibling is carried up as it is, which gives exactly the shape of RFC 6962, section 2.1. Devices
//! verify paths with `steadfast_core::tree`; this is the side that has all leaves.

use steadfast_core::digest::Digest;
use steadfast_core::tree::node;

use super::leaves::{Leaves, roster_leaf};

/// A tree with every level kept, so that a path is read off. Never empty.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Leaf hashes first, the root alone last.
    levels: Vec<Vec<Digest>>,
}

impl Tree {
    /// Builds the tree over leaf hashes in their order; `None` without any.
    #[must_use]
    pub fn new(leaves: Vec<Digest>) -> Option<Self> {
        let mut levels = vec![leaves];
        while levels.last()?.len() > 1 {
            let next = levels.last()?.chunks(2).map(pair).collect();
            levels.push(next);
        }
        levels.last()?.first()?;
        Some(Self { levels })
    }

    /// The root hash.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.levels[self.levels.len() - 1][0]
    }

    /// The inclusion path of the leaf at `index`: hashes end to end, from the leaf upwards; `None` outside the tree.
    #[must_use]
    pub fn path(&self, index: u32) -> Option<Vec<u8>> {
        let mut position = usize::try_from(index).ok()?;
        self.levels[0].get(position)?;
        let mut path = Vec::with_capacity(32 * self.levels.len());
        for level in &self.levels {
            if let Some(sibling) = level.get(position ^ 1) {
                path.extend_from_slice(&sibling.0);
            }
            position >>= 1;
        }
        Some(path)
    }
}

/// The tree of a release: the roster's leaf, then the table's. Every manifest that the table names must be there.
#[must_use]
pub fn over<T>(leaves: &Leaves, roster: Digest, manifests: &[(Digest, T)]) -> Tree {
    let hashes = leaves.places().map(|place| place.leaf(manifests[place.row.manifest as usize].0).hash());
    let all = std::iter::once(roster_leaf(roster).hash()).chain(hashes).collect();
    Tree::new(all).expect("the roster's leaf is always there")
}

fn pair(nodes: &[Digest]) -> Digest {
    match nodes {
        [left, right] => node(left, right),
        _ => nodes[0],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use sha2::Sha256;
    use steadfast_core::tree::root;

    fn leaf(index: u32) -> Digest {
        Digest::of(&[&[0][..], &index.to_le_bytes()].concat())
    }

    fn tree(leaves: u32) -> Tree {
        Tree::new((0..leaves).map(leaf).collect()).unwrap()
    }

    #[test]
    fn the_root_is_that_of_rfc_6962() {
        let mut oracle = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        for leaves in 1..200_u32 {
            oracle.push((leaves - 1).to_le_bytes().to_vec());
            let expected: [u8; 32] = (*oracle.root().as_bytes()).into();
            assert_eq!(tree(leaves).root().0, expected, "{leaves} leaves");
        }
    }

    #[test]
    fn every_path_leads_to_the_root_and_no_other_index_does() {
        for leaves in 1..70 {
            let tree = tree(leaves);
            for index in 0..leaves {
                let path = tree.path(index).unwrap();
                for claimed in 0..leaves {
                    let reached = root(leaf(index), claimed, leaves, &path) == Ok(tree.root());
                    assert_eq!(reached, claimed == index, "leaf {index} as {claimed} of {leaves}");
                }
            }
            assert_eq!(tree.path(leaves), None);
        }
    }

    #[test]
    fn a_path_that_is_shorter_or_longer_is_refused() {
        let (tree, leaves) = (tree(37), 37);
        for index in 0..leaves {
            let path = tree.path(index).unwrap();
            assert!(root(leaf(index), index, leaves, &path[..path.len() - 32]) != Ok(tree.root()));
            assert!(root(leaf(index), index, leaves, &[&path[..], &[0; 32]].concat()) != Ok(tree.root()));
        }
    }

    #[test]
    fn large_trees_agree_with_the_verifier() {
        for leaves in [1 << 10, (1 << 10) + 1, 99_999] {
            let tree = tree(leaves);
            for index in [0, 1, leaves / 2, leaves - 2, leaves - 1] {
                assert_eq!(root(leaf(index), index, leaves, &tree.path(index).unwrap()), Ok(tree.root()));
            }
        }
    }

    #[test]
    fn no_leaves_are_no_tree() {
        assert!(Tree::new(Vec::new()).is_none());
    }
}
