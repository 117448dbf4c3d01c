// Shuffling without a permutation buffer: a keyed bijection of 0 .. count-1, an unbalanced Feistel network over the
// smallest power of two >= count, walked until the result is below count (Black and Rogaway 2002, "Ciphers with
// arbitrary finite domains"). src/plan/shuffle.c is its twin.
#ifndef GS_SHUFFLE_GLSL
#define GS_SHUFFLE_GLSL

// "lowbias32" integer hash (Chris Wellons, public domain).
uint mix32(uint x) {
    x = (x ^ (x >> 16)) * 0x7FEB352Du;
    x = (x ^ (x >> 15)) * 0x846CA68Bu;
    return x ^ (x >> 16);
}

uint shuffled(uint index, uint count, uint seed_lo, uint seed_hi, uint epoch) {
    if (count < 2u) return 0u;
    uint bits = max(uint(findMSB(count - 1u)) + 1u, 2u);
    uint low_bits = bits / 2u;
    uint low_mask = (1u << low_bits) - 1u, high_mask = (1u << (bits - low_bits)) - 1u;
    uint key = mix32(seed_lo ^ mix32(seed_hi ^ mix32(epoch + 0x9E3779B9u)));
    do {
        uint low = index & low_mask, high = index >> low_bits;
        for (uint round = 0u; round < 4u; round++) {
            high ^= mix32(low ^ key ^ (2u * round) * 0x9E3779B9u) & high_mask;
            low ^= mix32(high ^ key ^ (2u * round + 1u) * 0x9E3779B9u) & low_mask;
        }
        index = high << low_bits | low;
    } while (index >= count);
    return index;
}

#endif
