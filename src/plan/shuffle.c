#include "plan/shuffle.h"

uint32_t gs__mix32(uint32_t x) {
    x = (x ^ (x >> 16)) * 0x7FEB352Du;
    x = (x ^ (x >> 15)) * 0x846CA68Bu;
    return x ^ (x >> 16);
}

uint32_t gs__shuffled(uint32_t index, uint32_t count, uint32_t seed_lo, uint32_t seed_hi, uint32_t epoch) {
    if (count < 2) return 0;
    uint32_t bits = 2;
    while (bits < 32 && (count - 1) >> bits) bits++;
    const uint32_t low_bits = bits / 2;
    const uint32_t low_mask = (1u << low_bits) - 1, high_mask = (1u << (bits - low_bits)) - 1;
    const uint32_t key = gs__mix32(seed_lo ^ gs__mix32(seed_hi ^ gs__mix32(epoch + 0x9E3779B9u)));
    do {
        uint32_t low = index & low_mask, high = index >> low_bits;
        for (uint32_t round = 0; round < 4; round++) {
            high ^= gs__mix32(low ^ key ^ (2 * round) * 0x9E3779B9u) & high_mask;
            low ^= gs__mix32(high ^ key ^ (2 * round + 1) * 0x9E3779B9u) & low_mask;
        }
        index = high << low_bits | low;
    } while (index >= count);
    return index;
}
