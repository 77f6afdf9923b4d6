/* Random numbers that are the same everywhere: SplitMix64 (Steele, Lea and Flood 2014). */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

typedef struct {
    uint64_t state;
} random_t;

static inline void random_start(random_t *noise, uint64_t seed) {
    noise->state = seed;
}

static inline uint64_t random_next(random_t *noise) {
    uint64_t z = noise->state += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

#endif
