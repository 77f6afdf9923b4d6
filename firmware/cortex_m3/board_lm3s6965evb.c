/* TI Stellaris LM3S6965: UART0 (PL011) on PA0 and PA1, timer 0; 12.5 MHz after reset in QEMU.
 * Registers: the data sheet's sections on system control, GPIO, UART and GPTM. */
#include "board.h"

#define RCGC1 REGISTER(0x400FE104) /* clocks of UART and timers */
#define RCGC2 REGISTER(0x400FE108) /* clocks of the ports */
#define GPIOA_AFSEL REGISTER(0x40004420)
#define GPIOA_DEN REGISTER(0x4000451C)
#define UART(offset) REGISTER(0x4000C000 + (offset))
#define TIMER(offset) REGISTER(0x40030000 + (offset))
#define RX_EMPTY 0x10U
#define TX_FULL 0x20U
#define UART_IRQ 5
#define TIMER_IRQ 19

const uint32_t board_ticks_per_ms = 12500;

void board_start(void) {
    RCGC1 |= 1U << 16 | 1U;
    RCGC2 |= 1U;
    (void)RCGC2; /* a clock needs some cycles until its block may be touched */
    GPIOA_AFSEL |= 3U;
    GPIOA_DEN |= 3U;
    UART(0x30) = 0;     /* CTL: off */
    UART(0x24) = 1;     /* IBRD, FBRD: 12.5 MHz / 16 / 460800 = 1 + 45 / 64 */
    UART(0x28) = 45;
    UART(0x2C) = 0x70;  /* LCRH: 8 bits, FIFO */
    UART(0x38) = 0x50;  /* IM: received, and received a while ago */
    UART(0x30) = 0x301; /* CTL: on, both ways */
    TIMER(0x0C) = 0;    /* CTL: off */
    TIMER(0x00) = 0;    /* CFG: 32 bits */
    TIMER(0x04) = 2;    /* TAMR: periodic */
    TIMER(0x28) = board_ticks_per_ms;
    TIMER(0x18) = 1; /* IMR */
    TIMER(0x0C) = 1; /* CTL: on */
    NVIC_ENABLE = 1U << UART_IRQ | 1U << TIMER_IRQ;
}

bool board_get(uint8_t *byte) {
    if (UART(0x18) & RX_EMPTY) {
        return false;
    }
    *byte = (uint8_t)(UART(0x00) & 0xFFU);
    return true;
}

bool board_put(uint8_t byte) {
    if (UART(0x18) & TX_FULL) {
        return false;
    }
    UART(0x00) = byte;
    return true;
}

void board_awake(void) {
    UART(0x44) = 0x50; /* ICR */
    TIMER(0x24) = 1;   /* ICR */
    NVIC_FORGET = 1U << UART_IRQ | 1U << TIMER_IRQ;
}
