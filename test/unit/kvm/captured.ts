/** What virsh 9.0 wrote, captured with LC_ALL=C. */
export const uuid = "36398d5b-0093-493f-b869-c66190401faf";
export const otherUuid = "3b380584-b070-46f4-8541-897b77241700";

export const list = `${uuid} tiny one                      
${otherUuid} 7                             
`;

export const domstats = `Domain: 'tiny one'
  state.state=1
  state.reason=1
  balloon.current=16384
  balloon.maximum=16384
  balloon.last-update=0
  balloon.rss=42240
  vcpu.current=1
  vcpu.maximum=1
  vcpu.0.state=1
  vcpu.0.time=90000000
  vcpu.0.wait=0
  vcpu.0.delay=15782873

Domain: '7'
  state.state=5
  state.reason=2
  balloon.current=16384
  balloon.maximum=32768
  vcpu.current=2
  vcpu.maximum=4
`;

export const dominfo = (name: string, id: string, state: string): string => `Id:             2
Name:           ${name}
UUID:           ${id}
OS Type:        hvm
State:          ${state}
CPU(s):         1
CPU time:       3.1s
Max memory:     16384 KiB
Used memory:    16384 KiB
Persistent:     yes
Autostart:      disable
Managed save:   no
Security model: none
Security DOI:   0
`;

export const nodeinfo = `CPU model:           x86_64
CPU(s):              2
CPU frequency:       2445 MHz
CPU socket(s):       1
Core(s) per socket:  2
Thread(s) per core:  1
NUMA cell(s):        1
Memory size:         6382148 KiB
`;

export const nodememstats = `total  :             24682416 KiB
free   :             23014804 KiB
buffers:                 5348 KiB
cached :              1031376 KiB
`;

export const nodecpustats = (usedNs: number, idleNs: number): string => `user:       ${usedNs}
system:                   0
idle:              ${idleNs}
iowait:                   0
`;

export const version = `Compiled against library: libvirt 9.0.0
Using library: libvirt 9.0.0
Using API: QEMU 9.0.0
Running hypervisor: QEMU 7.2.22
`;

export const notSupported = {
  stderr:
    "error: this function is not supported by the connection driver: virConnectGetAllDomainStats\n",
};

export const capabilities = (domainTypes: readonly string[]): string => `<capabilities>

  <host>
    <uuid>bc0bde16-cb67-474d-b7d2-b02c54190c1b</uuid>
    <cpu>
      <arch>x86_64</arch>
      <model>kvm64</model>
      <feature name='vme'/>
    </cpu>
  </host>

  <guest>
    <os_type>hvm</os_type>
    <arch name='i686'>
      <wordsize>32</wordsize>
      <domain type='qemu'/>
    </arch>
  </guest>

  <guest>
    <os_type>hvm</os_type>
    <arch name='x86_64'>
      <wordsize>64</wordsize>
      <machine maxCpus='255'>pc-i440fx-7.2</machine>
${domainTypes.map((type) => `      <domain type='${type}'/>`).join("\n")}
    </arch>
  </guest>

</capabilities>
`;
