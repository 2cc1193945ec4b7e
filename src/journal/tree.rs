//! The Merkle tree of RFC 6962, section 2.1: one root stands for all records, and short proofs show that a record is in it, or that one tree
//! is the beginning of another.

use aws_lc_rs::digest::{Context, SHA256};

/// A node of the tree, or its root.
pub type Hash = [u8; 32];

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    context.finish().as_ref().try_into().unwrap_or_default()
}

/// The hash of a record.
#[must_use]
pub fn leaf(bytes: &[u8]) -> Hash {
    sha256(&[&[0], bytes])
}

/// A hash as people write it.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |text, byte| text + &format!("{byte:02x}"))
}

fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// What is to be remembered of a tree so that it can grow: the roots of its full subtrees, the largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// That of a tree with `size` leaves; `None` where there must be another number of peaks.
    #[must_use]
    pub fn of(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// Leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Roots of full subtrees, the largest first.
    #[must_use]
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// One leaf more.
    pub fn push(&mut self, leaf: Hash) {
        let mut whole = leaf;
        // As many full subtrees close as there are ones at the end of the number.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                whole = node(&left, &whole);
            }
        }
        self.peaks.push(whole);
        self.size += 1;
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev().copied();
        let Some(last) = peaks.next() else { return sha256(&[]) };
        peaks.fold(last, |right, left| node(&left, &right))
    }
}

/// The root over `leaves`.
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [one] => *one,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node(&root(left), &root(right))
        }
    }
}

/// The largest power of two below `n`, which is at least 2.
fn split(n: usize) -> usize {
    n.next_power_of_two() / 2
}

/// The audit path of the leaf `index` (section 2.1.1); empty where there is none.
#[must_use]
pub fn inclusion(leaves: &[Hash], index: usize) -> Vec<Hash> {
    if leaves.len() < 2 || index >= leaves.len() {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut path, beside) = if index < left.len() {
        (inclusion(left, index), root(right))
    } else {
        (inclusion(right, index - left.len()), root(left))
    };
    path.push(beside);
    path
}

/// Whether `path` shows that `leaf` is at `index` of the tree with `size` leaves and this root (RFC 9162, section 2.1.3.2).
#[must_use]
pub fn includes(root: &Hash, size: u64, leaf: &Hash, index: u64, path: &[Hash]) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for beside in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node(beside, &hash);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            hash = node(&hash, beside);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && hash == *root
}

/// The proof that the first `size` leaves were the whole tree once (section 2.1.2); empty where that needs none.
#[must_use]
pub fn consistency(leaves: &[Hash], size: usize) -> Vec<Hash> {
    fn subproof(leaves: &[Hash], size: usize, known: bool) -> Vec<Hash> {
        if size == leaves.len() {
            return if known { Vec::new() } else { vec![root(leaves)] };
        }
        let (left, right) = leaves.split_at(split(leaves.len()));
        let (mut proof, beside) = if size <= left.len() {
            (subproof(left, size, known), root(right))
        } else {
            (subproof(right, size - left.len(), false), root(left))
        };
        proof.push(beside);
        proof
    }
    if size == 0 || size > leaves.len() { Vec::new() } else { subproof(leaves, size, true) }
}

/// Whether `proof` shows that the tree `old` is the beginning of the tree `new`, each as size and root (RFC 9162, section 2.1.4.2).
#[must_use]
pub fn extends(old: (u64, &Hash), new: (u64, &Hash), proof: &[Hash]) -> bool {
    let ((first, old), (second, new)) = (old, new);
    if first == 0 || first >= second {
        return first <= second && proof.is_empty() && (first == 0 || old == new);
    }
    let (mut at, mut last) = (first - 1, second - 1);
    let odd = at.trailing_ones();
    (at, last) = (at >> odd, last >> odd);
    let mut rest = proof.iter();
    let seed = if first.is_power_of_two() { Some(old) } else { rest.next() };
    let Some(seed) = seed else { return false };
    let (mut small, mut large) = (*seed, *seed);
    for beside in rest {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            small = node(beside, &small);
            large = node(beside, &large);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            large = node(&large, beside);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && small == *old && large == *new
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The leaves of Certificate Transparency's own tests, and the roots of the trees of the first 1 to 8 of them.
    const LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
    }

    fn hash(hex: &str) -> Hash {
        bytes(hex).try_into().expect("32 bytes")
    }

    fn leaves() -> Vec<Hash> {
        LEAVES.iter().map(|text| leaf(&bytes(text))).collect()
    }

    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let leaves = leaves();
        let mut frontier = Frontier::default();
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!((frontier.root(), root(&[])), (hash(nothing), hash(nothing)));
        for (size, expected) in ROOTS.iter().enumerate() {
            frontier.push(leaves[size]);
            assert_eq!(frontier.root(), hash(expected), "{size}");
            assert_eq!(root(&leaves[..=size]), hash(expected), "{size}");
            let again = Frontier::of(frontier.size(), frontier.peaks().to_vec());
            assert_eq!(again, Some(frontier.clone()));
        }
        assert_eq!(Frontier::of(3, vec![[0; 32]]), None);
    }

    #[test]
    fn proofs_are_those_of_certificate_transparency() {
        let leaves = leaves();
        let first = [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ]
        .map(hash);
        assert_eq!(inclusion(&leaves, 0), first);
        assert_eq!(consistency(&leaves, 1), first);
        let later = [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
        .map(hash);
        assert_eq!(consistency(&leaves, 6), later);
        let small = [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ]
        .map(hash);
        assert_eq!(consistency(&leaves[..5], 2), small);
    }

    #[test]
    fn every_proof_shows_what_it_says_and_nothing_else() {
        let leaves: Vec<Hash> = (0..33_u8).map(|n| leaf(&[n])).collect();
        for size in 1..=leaves.len() {
            let whole = root(&leaves[..size]);
            let total = size as u64;
            for index in 0..size {
                let path = inclusion(&leaves[..size], index);
                assert!(includes(&whole, total, &leaves[index], index as u64, &path), "{index} of {size}");
                let other = (index + 1) as u64;
                assert!(!includes(&whole, total, &leaves[index], other, &path), "{index} of {size}, elsewhere");
                let mut longer = path.clone();
                longer.push([0; 32]);
                assert!(!includes(&whole, total, &leaves[index], index as u64, &longer));
            }
            for before in 1..=size {
                let old = root(&leaves[..before]);
                let proof = consistency(&leaves[..size], before);
                assert!(extends((before as u64, &old), (total, &whole), &proof), "{before} to {size}");
                assert!(!extends((before as u64, &[7; 32]), (total, &whole), &proof), "another beginning");
                for at in 0..proof.len() {
                    let mut forged = proof.clone();
                    forged[at][0] ^= 1;
                    assert!(!extends((before as u64, &old), (total, &whole), &forged), "{before} to {size}");
                }
            }
        }
    }
}
