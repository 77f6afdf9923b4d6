/* The firmware on a bare Cortex-M3. Everything is polled; interrupts stay masked and only end the
 * waiting, so nothing can happen in between. Here the joints go where they are told: a real board
 * drives its motors to hand.position_udeg at the place marked below. */
#include "board.h"
#include "flexor_clock.h"
#include "flexor_hand.h"

#define SYST_CSR REGISTER(0xE000E010)
#define SYST_RVR REGISTER(0xE000E014)
#define SYST_CVR REGISTER(0xE000E018)
#define SYST_MASK 0xFFFFFFU
#define OUT_N 512U /* a power of two; a few frames */

#define FINGER {0, 100000000, 100000, 150000, 3000, 30000, 1000, 70, 0}
static const flx_joint joints[FLX_DOF_N] = {FINGER, FINGER, FINGER, FINGER, FINGER, FINGER};
static flx_hand hand;
static flx_clock milliseconds;
static uint8_t out[OUT_N];
static uint32_t out_first, out_last;

/* All of a frame or nothing of it: the transmitter never makes the watchdog wait. */
static void put(void *context, const uint8_t *data, size_t n) {
    (void)context;
    if (OUT_N - (out_last - out_first) < n) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        out[out_last++ % OUT_N] = data[i];
    }
}

static uint32_t now_ms(void) {
    return flx_clock_ms(&milliseconds, ~SYST_CVR & SYST_MASK); /* SysTick counts down */
}

int main(void) {
    __asm volatile("cpsid i");
    board_start();
    SYST_RVR = SYST_MASK;
    SYST_CVR = 0;
    SYST_CSR = 5; /* on, core clock, no interrupt */
    flx_clock_start(&milliseconds, SYST_MASK, board_ticks_per_ms, ~SYST_CVR & SYST_MASK);
    if (!flx_hand_start(&hand, joints, 2, put, NULL)) {
        for (;;) {
        }
    }
    for (;;) {
        uint8_t byte;
        while (board_get(&byte)) {
            flx_hand_receive(&hand, &byte, 1, now_ms());
        }
        flx_hand_advance(&hand, now_ms());
        /* Here the motors are driven to hand.position_udeg, with flx_torque_limit(&hand). */
        while (out_first != out_last && board_put(out[out_first % OUT_N])) {
            out_first++;
        }
        if (out_first == out_last) {
            __asm volatile("wfi");
            board_awake();
        }
    }
}
