/** Guest systems of one boot sector each. */

// i440fx under SeaBIOS: ACPI power management registers at 0x600 (status, enable) and 0x604 (control).
const obedient = [
  0xfa, //             cli
  0xb0,
  0xf1, //       mov al, 0xf1
  0xe6,
  0xb2, //       out 0xb2, al        switch ACPI on
  0xba,
  0x02,
  0x06, // mov dx, 0x602
  0xb8,
  0x00,
  0x01, // mov ax, 0x100
  0xef, //             out dx, ax          let the power button be seen
  0xfb, //             sti
  0xf4, //       wait: hlt                 18 times a second the timer wakes it
  0xba,
  0x00,
  0x06, // mov dx, 0x600
  0xed, //             in ax, dx
  0xf6,
  0xc4,
  0x01, // test ah, 1          pressed?
  0x74,
  0xf6, //       jz wait
  0xb9,
  0x12,
  0x00, // mov cx, 18
  0xf4, //      going: hlt
  0xe2,
  0xfd, //       loop going          a second to go down, as a real guest needs
  0xba,
  0x04,
  0x06, // mov dx, 0x604
  0xb8,
  0x00,
  0x20, // mov ax, 0x2000
  0xef, //             out dx, ax          power off
  0xf4,
  0xeb,
  0xfd, // hlt, for ever
];

// In 32-bit mode, writes to 8 MiB of its memory over and over.
const restless = [
  0xfa, //                          cli
  0x31,
  0xc0, //                    xor ax, ax
  0x8e,
  0xd8, //                    mov ds, ax
  0x0f,
  0x01,
  0x16,
  0x46,
  0x7c, //  lgdt [0x7c46]
  0x0f,
  0x20,
  0xc0, //              mov eax, cr0
  0x0c,
  0x01, //                    or al, 1
  0x0f,
  0x22,
  0xc0, //              mov cr0, eax
  0xea,
  0x17,
  0x7c,
  0x08,
  0x00, //  jmp 8:0x7c17
  0x66,
  0xb8,
  0x10,
  0x00, //        mov ax, 0x10
  0x8e,
  0xc0, //                    mov es, ax
  0x43, //                    fill: inc ebx
  0x89,
  0xd8, //                    mov eax, ebx
  0xbf,
  0x00,
  0x00,
  0x20,
  0x00, //  mov edi, 2 MiB
  0xb9,
  0x00,
  0x00,
  0x20,
  0x00, //  mov ecx, 2 Mi words
  0xf3,
  0xab, //                    rep stosd
  0xeb,
  0xef, //                    jmp fill
  ...[0, 0, 0, 0, 0, 0, 0, 0], //            descriptors: none,
  ...[0xff, 0xff, 0, 0, 0, 0x9a, 0xcf, 0], // code,
  ...[0xff, 0xff, 0, 0, 0, 0x92, 0xcf, 0], // data
  ...[0x17, 0x00, 0x2e, 0x7c, 0x00, 0x00], // 0x7c46: where they are
];

/** Disk of a guest that obeys the ACPI power button after about a second, and does nothing else. */
export function obedientDisk(): Uint8Array {
  return bootDisk(obedient);
}

/** Disk of a guest that dirties its memory faster than a slow link can carry it: its migration never ends. */
export function restlessDisk(): Uint8Array {
  return bootDisk(restless);
}

function bootDisk(program: readonly number[]): Uint8Array {
  const disk = new Uint8Array(64 * 1024);
  disk.set(program);
  disk.set([0x55, 0xaa], 510);
  return disk;
}

/** Domain XML of a machine that boots the disk, or sits in its BIOS without one. No KVM needed. */
export function tinyGuestXml(name: string, disk?: string): string {
  const drive =
    disk === undefined
      ? ""
      : `<disk type="file" device="disk"><driver name="qemu" type="raw"/><source file="${disk}"/><target dev="hda" bus="ide"/></disk>`;
  return `<domain type="qemu"><name>${name}</name><memory unit="MiB">16</memory><vcpu>1</vcpu>
    <os><type arch="x86_64" machine="pc">hvm</type></os><features><acpi/></features>
    <devices>${drive}<console type="pty"/></devices></domain>`;
}
