//! SHA-256 (FIPS 180-4) in constant evaluation, for the schema id. `sha2` cannot run there; the tests hold the two together.

#[rustfmt::skip]
const ROUNDS: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];

/// The digest of the first `len` bytes.
pub(super) const fn sha256(bytes: &[u8], len: usize) -> [u8; 32] {
    let mut state =
        [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
    // The padding adds a one bit and the length in 64 bits.
    let blocks = (len + 9).div_ceil(64);
    let mut block = 0;
    while block < blocks {
        state = compress(state, padded(bytes, len, block));
        block += 1;
    }
    let mut out = [0; 32];
    let mut i = 0;
    while i < 32 {
        out[i] = state[i / 4].to_be_bytes()[i % 4];
        i += 1;
    }
    out
}

/// The sixteen words of one block of the padded message.
const fn padded(bytes: &[u8], len: usize, block: usize) -> [u32; 16] {
    let mut words = [0; 16];
    let mut i = 0;
    while i < 64 {
        let at = block * 64 + i;
        let byte = if at < len {
            bytes[at]
        } else if at == len {
            0x80
        } else {
            0
        };
        words[i / 4] = words[i / 4] << 8 | byte as u32;
        i += 1;
    }
    if block == (len + 8) / 64 {
        let bits = (len as u64) * 8;
        words[14] = (bits >> 32) as u32;
        words[15] = bits as u32;
    }
    words
}

const fn compress(state: [u32; 8], block: [u32; 16]) -> [u32; 8] {
    let mut w = [0_u32; 64];
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
    let mut i = 0;
    while i < 64 {
        w[i] = if i < 16 {
            block[i]
        } else {
            let s0 = w[i - 15].rotate_right(7) ^ w[i - 15].rotate_right(18) ^ (w[i - 15] >> 3);
            let s1 = w[i - 2].rotate_right(17) ^ w[i - 2].rotate_right(19) ^ (w[i - 2] >> 10);
            w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1)
        };
        let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let t1 = h.wrapping_add(s1).wrapping_add((e & f) ^ (!e & g)).wrapping_add(ROUNDS[i]).wrapping_add(w[i]);
        let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let t2 = s0.wrapping_add((a & b) ^ (a & c) ^ (b & c));
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
        i += 1;
    }
    let mixed = [a, b, c, d, e, f, g, h];
    let mut out = [0; 8];
    let mut i = 0;
    while i < 8 {
        out[i] = state[i].wrapping_add(mixed[i]);
        i += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::sha256;
    use crate::digest::Digest;

    #[test]
    fn every_length_over_two_blocks_agrees_with_sha2() {
        let bytes: [u8; 200] = core::array::from_fn(|i| (i * 37 + 11) as u8);
        for len in 0..bytes.len() {
            assert_eq!(sha256(&bytes, len), Digest::of(&bytes[..len]).0, "{len} bytes");
        }
    }
}
