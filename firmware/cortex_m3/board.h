/* What differs from board to board. */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stdint.h>

/* Core clock, which SysTick counts. */
extern const uint32_t board_ticks_per_ms;

/* Starts the UART at 460800 baud, and a timer that ends waiting every millisecond. */
void board_start(void);

/* Takes a received byte, if there is one. */
bool board_get(uint8_t *byte);

/* Gives a byte to the transmitter; false while it is full. */
bool board_put(uint8_t byte);

/* Forgets the interrupts that ended the waiting. */
void board_awake(void);

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define NVIC_ENABLE REGISTER(0xE000E100)
#define NVIC_FORGET REGISTER(0xE000E280)

#endif
