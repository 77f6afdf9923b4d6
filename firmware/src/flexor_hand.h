/* The hand: states, watchdog, and the limits that hold whatever the host says. No allocation, no
 * operating system, no floating point. The same as firmware_bridge/simulated_mcu.py, to the byte.
 *
 * The board calls flx_hand_receive for bytes and flx_hand_advance often, with the milliseconds of
 * a free-running counter (flexor_clock.h), writes what it measures into hand.in, and drives its
 * motors to hand.position_udeg (or hand.torque), with no more than flx_torque_limit. */
#ifndef FLEXOR_HAND_H
#define FLEXOR_HAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flexor_link.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FLX_FIRMWARE "0.1.0"

/* One joint: what it may do. 0 degrees is open, positive closes. */
typedef struct {
    int32_t low_udeg; /* millionths of a degree, within +-1000 degrees */
    int32_t high_udeg;
    int32_t udeg_per_count;      /* position that one of the 1000 counts of full scale means */
    int32_t velocity_mdeg_s;     /* thousandths of deg/s, at most 1000 deg/s */
    int32_t change_mdeg_s;       /* largest change of velocity per ms: acceleration in deg/s2 */
    int32_t release_mdeg_s;      /* speed at which the local button opens; 0 where it must not */
    int32_t current_limit_ma;    /* longer than FLX_TRIP_MS above it stops the hand */
    int32_t temperature_limit_c; /* above it the hand stops until FLX_COOL_K below it */
    int32_t torque_ramp;         /* largest change of torque per ms, 1/1000; 0 takes no torque */
} flx_joint;

/* What the board measures; zeros where it does not. */
typedef struct {
    int32_t current_ma[FLX_DOF_N];
    int32_t temperature_c[FLX_DOF_N];
    int32_t measured_udeg[FLX_DOF_N]; /* of the joints in `measures` */
    uint8_t measures;                 /* bit per joint that has a position sensor */
    uint8_t stalled;                  /* bit per joint that is known not to follow */
    bool over_current;                /* the motor driver's own fault line */
    bool low_battery;                 /* only told: the host slows down */
    bool brown_out;                   /* the supply breaks down: the motors are left alone */
    bool pressed;                     /* the local release button, debounced or not */
    bool refuses;                     /* answers every request with "wrong state" (for tests) */
} flx_inputs;

typedef void (*flx_write)(void *context, const uint8_t *data, size_t n);

typedef struct {
    flx_inputs in;
    const flx_joint *joints; /* FLX_DOF_N of them */
    flx_write write;
    void *context;
    flx_rx rx;
    uint32_t now_ms;
    uint32_t setpoint_ms; /* when motion was last allowed: at a setpoint, or at ARM */
    uint32_t telem_ms;
    uint32_t range_err;
    uint16_t seq;
    uint16_t age_ms; /* of the setpoint while the hand acted on it; stays when it stops */
    uint16_t ttl_ms;
    uint16_t still_ms; /* since the hand last followed; counts no further than needed */
    uint16_t pressed_ms;
    uint8_t state;
    uint8_t mode;
    uint8_t joints_n; /* told to the host; FLX_DOF_N unless the board sets it after the start */
    bool agreed; /* the host told the same interface in its HELLO */
    bool tripped;
    bool hot;
    bool eased; /* the host asked for the torque of a hand that only keeps its grip */
    uint8_t over_ms[FLX_DOF_N];
    int16_t counts[FLX_DOF_N];
    int32_t position_udeg[FLX_DOF_N]; /* where the joint is driven to, this millisecond */
    int32_t velocity_mdeg_s[FLX_DOF_N];
    int32_t torque[FLX_DOF_N]; /* 1/1000 of full torque: ramped, none past an end or too fast */
    int32_t seen_udeg[FLX_DOF_N]; /* where the joints stood when speeds were measured last */
    int8_t fast[FLX_DOF_N];       /* 1 or -1 for joints that move faster than they may */
} flx_hand;

/* A hand in BOOT at 0 degrees, or as near as its range lets it. `write` sends bytes to the host;
 * it must not wait. `crc_n` is 2, or 4 for exoskeletons. False when the joints cannot be: then
 * the hand must not be used. */
bool flx_hand_start(flx_hand *hand, const flx_joint *joints, uint8_t crc_n, flx_write write,
                    void *context);

/* Lets time pass, in steps of 1 ms: watches, moves, sends telemetry. Harmless when repeated. */
void flx_hand_advance(flx_hand *hand, uint32_t now_ms);

/* Hears bytes at `now_ms`. */
void flx_hand_receive(flx_hand *hand, const uint8_t *data, size_t n, uint32_t now_ms);

/* The emergency stop on the hand itself: latched until the host clears it. */
void flx_emergency_stop(flx_hand *hand);

/* 1/1000 of its torque that a motor may use: less when it only has to keep a grip, none when it
 * drew too much current or is too hot. */
uint16_t flx_torque_limit(const flx_hand *hand);

/* Whether the local button opens the hand just now. */
bool flx_releasing(const flx_hand *hand);

/* FLX_FLAG_*, as telemetry tells them. */
uint8_t flx_flags(const flx_hand *hand);

#ifdef __cplusplus
}
#endif

#endif
