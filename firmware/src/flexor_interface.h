/* What host and hand agree on. Written by `flexor firmware header` from
 * firmware_bridge/interface.py: change that file, not this one. */
#ifndef FLEXOR_INTERFACE_H
#define FLEXOR_INTERFACE_H

#define FLX_INTERFACE_HASH 0xF59D0303UL

#define FLX_VERSION 1
#define FLX_DOF_N 6
#define FLX_FULL_SCALE 1000
#define FLX_SEQ_WINDOW 50
#define FLX_TTL_MIN_MS 20
#define FLX_TTL_MAX_MS 500
#define FLX_HOLD_MS 60
#define FLX_ARM_TTL_MS 150
#define FLX_TELEM_MS 20
#define FLX_RAW_MAX_N 254
#define FLX_CODED_MAX_N 255
#define FLX_TRIP_MS 50
#define FLX_COOL_K 10
#define FLX_WEAK_MS 4000
#define FLX_TORQUE_FOLLOWING 1000
#define FLX_TORQUE_STOPPED 300
#define FLX_TORQUE_WEAK 100
#define FLX_PRESS_MS 500

#define FLX_FRAME_HELLO 1
#define FLX_FRAME_HELLO_ACK 2
#define FLX_FRAME_ARM 3
#define FLX_FRAME_DISARM 4
#define FLX_FRAME_ESTOP 5
#define FLX_FRAME_CLEAR 6
#define FLX_FRAME_ACK 7
#define FLX_FRAME_SETPOINT 16
#define FLX_FRAME_HEARTBEAT 17
#define FLX_FRAME_TELEM 32

#define FLX_ACK_OK 0
#define FLX_ACK_UNKNOWN 1
#define FLX_ACK_WRONG_STATE 2
#define FLX_ACK_BUSY 3

#define FLX_STATE_BOOT 0
#define FLX_STATE_IDLE 1
#define FLX_STATE_ARMED 2
#define FLX_STATE_HOLD 3
#define FLX_STATE_FAILSAFE 4
#define FLX_STATE_ESTOP 5

#define FLX_MODE_POSITION 1
#define FLX_MODE_VELOCITY 2
#define FLX_MODE_TORQUE 3

#define FLX_FLAG_OVER_CURRENT 1
#define FLX_FLAG_OVER_TEMPERATURE 2
#define FLX_FLAG_RELEASE 4
#define FLX_FLAG_LOW_BATTERY 8
#define FLX_FLAG_BROWN_OUT 16

/* Bytes of a header, of each payload, and where each field begins in it. */
#define FLX_HEADER_N 10
#define FLX_HEADER_VERSION_AT 0
#define FLX_HEADER_TYPE_AT 1
#define FLX_HEADER_SESSION_AT 2
#define FLX_HEADER_SEQ_AT 4
#define FLX_HEADER_T_MS_AT 6
#define FLX_HELLO_N 4
#define FLX_HELLO_INTERFACE_AT 0
#define FLX_HELLO_ACK_N 10
#define FLX_HELLO_ACK_VERSION_AT 0
#define FLX_HELLO_ACK_DOF_N_AT 1
#define FLX_HELLO_ACK_MAX_TTL_MS_AT 2
#define FLX_HELLO_ACK_SEQ_AT 4
#define FLX_HELLO_ACK_INTERFACE_AT 6
#define FLX_ARM_N 0
#define FLX_DISARM_N 0
#define FLX_ESTOP_N 0
#define FLX_CLEAR_N 0
#define FLX_ACK_N 5
#define FLX_ACK_TYPE_AT 0
#define FLX_ACK_SEQ_AT 1
#define FLX_ACK_CODE_AT 3
#define FLX_ACK_STATE_AT 4
#define FLX_SETPOINT_N 16
#define FLX_SETPOINT_MODE_AT 0
#define FLX_SETPOINT_FLAGS_AT 1
#define FLX_SETPOINT_TTL_MS_AT 2
#define FLX_SETPOINT_COUNTS_AT 4
#define FLX_HEARTBEAT_N 0
#define FLX_TELEM_N 24
#define FLX_TELEM_STATE_AT 0
#define FLX_TELEM_ERR_COUNT_AT 1
#define FLX_TELEM_LAST_SEQ_AT 2
#define FLX_TELEM_AGE_MS_AT 4
#define FLX_TELEM_COUNTS_AT 6
#define FLX_TELEM_RX_OK_AT 18
#define FLX_TELEM_STALE_AT 20
#define FLX_TELEM_RANGE_ERR_AT 22

#endif
