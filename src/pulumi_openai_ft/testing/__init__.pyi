# The public names and their modules. `__init__.py` imports a module when one of its names is first used.
from .emulator import EmulatorFixture as EmulatorFixture
from .emulator import Request as Request
from .emulator import StoredFile as StoredFile
from .emulator import StoredJob as StoredJob
from .emulator import StoredModel as StoredModel
from .emulator import StoredPermission as StoredPermission
from .mocks import MockedResource as MockedResource
from .mocks import Mocks as Mocks
