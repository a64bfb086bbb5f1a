/** A guest system in one boot sector: it obeys the ACPI power button after about a second, and does nothing else. */

// i440fx under SeaBIOS: ACPI power management registers at 0x600 (status, enable) and 0x604 (control).
const program = [
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

/** Disk image with the guest in its boot sector. */
export function tinyGuestDisk(): Uint8Array {
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
