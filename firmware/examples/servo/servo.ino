// Six hobby servos as a hand. Wire the servos' signals to SERVO_PINS and give them a supply of
// their own; a button from RELEASE_PIN to ground opens the hand when it is held, a switch from
// STOP_PIN to ground that opens is the emergency stop.
#include <Servo.h>

#include <flexor_clock.h>
#include <flexor_hand.h>

const int SERVO_PINS[FLX_DOF_N] = {3, 5, 6, 9, 10, 11};
const int RELEASE_PIN = 2;
const int STOP_PIN = 4;
const long BAUD = 460800; // must be what the host uses; see the board's own limits

// Pulses of your servos at 0 degrees (open) and at full scale (closed), in microseconds.
const int OPEN_US = 1000;
const int CLOSED_US = 2000;

// Range (udeg), udeg per count, velocity (mdeg/s), acceleration (deg/s2), speed of the release
// button (mdeg/s), current limit (mA), temperature limit (C), torque ramp. See README.md.
const flx_joint JOINTS[FLX_DOF_N] = {
    {0, 100000000, 100000, 150000, 3000, 30000, 1000, 70, 0}, // turn of the thumb
    {0, 100000000, 100000, 150000, 3000, 30000, 1000, 70, 0}, // thumb
    {0, 100000000, 100000, 150000, 3000, 30000, 1000, 70, 0}, // index
    {0, 100000000, 100000, 150000, 3000, 30000, 1000, 70, 0}, // middle
    {0, 100000000, 100000, 150000, 3000, 30000, 1000, 70, 0}, // ring
    {0, 100000000, 100000, 150000, 3000, 30000, 1000, 70, 0}, // little
};

static flx_hand hand;
static flx_clock milliseconds;
static Servo servos[FLX_DOF_N];
static bool right; // a hand whose joints cannot be must not move

// All of a frame or nothing of it: sending never makes the watchdog wait.
static void to_host(void *, const uint8_t *data, size_t n) {
  if (Serial.availableForWrite() >= (int)n) {
    Serial.write(data, n);
  }
}

void setup() {
  pinMode(RELEASE_PIN, INPUT_PULLUP);
  pinMode(STOP_PIN, INPUT_PULLUP);
  Serial.begin(BAUD);
  flx_clock_start(&milliseconds, 0xFFFFFFFFUL, 1000, micros());
  right = flx_hand_start(&hand, JOINTS, 2, to_host, NULL);
  for (int j = 0; right && j < FLX_DOF_N; j++) {
    servos[j].attach(SERVO_PINS[j], OPEN_US, CLOSED_US);
  }
}

void loop() {
  if (!right) {
    return;
  }
  hand.in.pressed = digitalRead(RELEASE_PIN) == LOW;
  if (digitalRead(STOP_PIN) != LOW) {
    flx_emergency_stop(&hand);
  }
  // Where your board measures currents, temperatures or positions, write them here:
  // hand.in.current_ma[0] = ...; hand.in.temperature_c[0] = ...;
  // hand.in.measured_udeg[0] = ...; hand.in.measures |= 1;
  while (Serial.available() > 0) {
    uint8_t byte = (uint8_t)Serial.read();
    flx_hand_receive(&hand, &byte, 1, flx_clock_ms(&milliseconds, micros()));
  }
  flx_hand_advance(&hand, flx_clock_ms(&milliseconds, micros()));
  for (int j = 0; j < FLX_DOF_N; j++) {
    const long count = hand.position_udeg[j] / JOINTS[j].udeg_per_count;
    servos[j].writeMicroseconds(OPEN_US + (int)(count * (CLOSED_US - OPEN_US) / FLX_FULL_SCALE));
  }
}
