//! memcpy(3), memmove(3) and memcmp(3) for all of the executable, in place of musl's for x86_64, which
//! are made to be few bytes: `rep movsq`, and the rest byte by byte. What is short, as the 130 pieces
//! are that a request copies, takes that 10 to 15 ns and this 3.
//!
//! All of them, or none: musl's memmove would bring its memcpy along. LLVM makes no calls of memcpy
//! of the loops here: not within a function of that name, and nowhere where both places may be one.

#![allow(unsafe_code)]

use std::arch::asm;
use std::arch::x86_64::{
    __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_storeu_si128,
};

const BLOCK: usize = size_of::<__m128i>();

/// From here on `rep movsq` is quicker than blocks; at 4 KB by half (AMD EPYC).
const LONG: usize = 1024;

/// # Safety
/// As C has it: so many bytes can be read and written.
#[cfg(not(test))]
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    // SAFETY: the caller's.
    unsafe { copy(to, from, length) };
    to
}

/// # Safety
/// As C has it: so many bytes can be read and written.
#[cfg(not(test))]
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    // SAFETY: the caller's.
    unsafe { copy(to, from, length) };
    to
}

/// # Safety
/// As C has it: so many bytes can be read at both places.
#[cfg(not(test))]
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, length: usize) -> i32 {
    // SAFETY: the caller's.
    unsafe { compare(one, other, length) }
}

/// Copies bytes between places that may overlap.
///
/// # Safety
/// `length` bytes can be read from the one place and written to the other.
#[inline(always)]
unsafe fn copy(to: *mut u8, from: *const u8, length: usize) {
    // SAFETY: nothing here leaves the two places.
    unsafe {
        match length {
            0 => {}
            1 => *to = *from,
            2..4 => copy_ends::<u16>(to, from, length),
            4..8 => copy_ends::<u32>(to, from, length),
            8..BLOCK => copy_ends::<u64>(to, from, length),
            _ if length <= 2 * BLOCK => copy_ends::<__m128i>(to, from, length),
            _ if to.addr().wrapping_sub(from.addr()) >= length => copy_forwards(to, from, length),
            _ => copy_backwards(to, from, length),
        }
    }
}

/// The first and the last `T` of what is one to two of them long. Both are read before one is written.
///
/// # Safety
/// As for [`copy`].
#[inline(always)]
unsafe fn copy_ends<T>(to: *mut u8, from: *const u8, length: usize) {
    // SAFETY: the caller's.
    unsafe {
        let last = length - size_of::<T>();
        let start = from.cast::<T>().read_unaligned();
        let end = from.add(last).cast::<T>().read_unaligned();
        to.cast::<T>().write_unaligned(start);
        to.add(last).cast::<T>().write_unaligned(end);
    }
}

/// More than two blocks, to where nothing is that has yet to be read.
///
/// # Safety
/// As for [`copy`].
#[inline(always)]
unsafe fn copy_forwards(to: *mut u8, from: *const u8, length: usize) {
    // SAFETY: the caller's.
    unsafe {
        let last = length - 2 * BLOCK;
        let end = two_blocks(from.add(last));
        if length >= LONG {
            asm!(
                "rep movsq",
                inout("rcx") length / 8 => _,
                inout("rdi") to => _,
                inout("rsi") from => _,
                options(nostack, preserves_flags)
            );
        } else {
            let mut at = 0;
            while at < last {
                store(to.add(at), two_blocks(from.add(at)));
                at += 2 * BLOCK;
            }
        }
        store(to.add(last), end);
    }
}

/// More than two blocks, from the end.
///
/// # Safety
/// As for [`copy`].
#[inline(always)]
unsafe fn copy_backwards(to: *mut u8, from: *const u8, length: usize) {
    // SAFETY: the caller's.
    unsafe {
        let start = two_blocks(from);
        let mut left = length;
        while left > 2 * BLOCK {
            left -= 2 * BLOCK;
            store(to.add(left), two_blocks(from.add(left)));
        }
        store(to, start);
    }
}

/// Less than zero, zero or more as the bytes at `one` are before, equal to or after the others.
///
/// # Safety
/// `length` bytes can be read at both places.
#[inline(always)]
unsafe fn compare(one: *const u8, other: *const u8, length: usize) -> i32 {
    // SAFETY: nothing here leaves the two places.
    unsafe {
        let difference = |at| i32::from(*one.add(at)) - i32::from(*other.add(at));
        let mut at = 0;
        while at + BLOCK <= length {
            let equal = _mm_cmpeq_epi8(block(one.add(at)), block(other.add(at)));
            let unequal = !_mm_movemask_epi8(equal) & 0xffff;
            if unequal != 0 {
                return difference(at + unequal.trailing_zeros() as usize);
            }
            at += BLOCK;
        }
        if at + 8 <= length {
            let [one, other] =
                [one, other].map(|place| place.add(at).cast::<u64>().read_unaligned());
            let unequal = one ^ other;
            if unequal != 0 {
                return difference(at + unequal.trailing_zeros() as usize / 8);
            }
            at += 8;
        }
        while at < length {
            if difference(at) != 0 {
                return difference(at);
            }
            at += 1;
        }
        0
    }
}

/// # Safety
/// A block can be read there.
#[inline(always)]
unsafe fn block(from: *const u8) -> __m128i {
    // SAFETY: the caller's.
    unsafe { _mm_loadu_si128(from.cast()) }
}

/// # Safety
/// Two blocks can be read there.
#[inline(always)]
unsafe fn two_blocks(from: *const u8) -> (__m128i, __m128i) {
    // SAFETY: the caller's.
    unsafe { (block(from), block(from.add(BLOCK))) }
}

/// # Safety
/// Two blocks can be written there.
#[inline(always)]
unsafe fn store(to: *mut u8, (first, second): (__m128i, __m128i)) {
    // SAFETY: the caller's.
    unsafe {
        _mm_storeu_si128(to.cast(), first);
        _mm_storeu_si128(to.add(BLOCK).cast(), second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Past each of the ways that lengths are treated in.
    const MOST: usize = LONG + 3 * BLOCK;

    fn bytes() -> Vec<u8> {
        (0..2 * MOST).map(|n| ((n * 167) >> 3) as u8).collect()
    }

    #[test]
    fn any_length_is_copied_also_over_itself_and_nothing_beside_it() {
        let before = bytes();
        for length in 0..=MOST {
            for distance in [0, 1, 7, 8, 15, 16, 17, 33, length / 2, length] {
                for (from, to) in [(0, distance), (distance, 0)] {
                    let (mut copied, mut expected) = (before.clone(), before.clone());
                    expected.copy_within(from..from + length, to);
                    let start = copied.as_mut_ptr();
                    // SAFETY: there are twice as many bytes as the most that is copied.
                    unsafe { copy(start.add(to), start.add(from), length) };
                    assert!(copied == expected, "{length} bytes from {from} to {to}");
                }
            }
        }
    }

    #[test]
    fn the_first_unequal_byte_decides() {
        let one = bytes();
        for length in 0..=100 {
            // SAFETY: there are more bytes than that.
            let compared = |other: &[u8]| unsafe { compare(one.as_ptr(), other.as_ptr(), length) };
            assert_eq!(compared(&one.clone()), 0);
            for at in 0..length {
                let mut other = one.clone();
                other[at] = other[at].wrapping_add(100);
                other[at + 1] = !other[at + 1];
                let expected = one[..length].cmp(&other[..length]) as i32;
                assert_eq!(compared(&other).signum(), expected, "{length} bytes, unequal at {at}");
            }
        }
    }
}
