# The public names and their modules. `__init__.py` imports a module when one of its names is first used.
from . import types as types
from .checkpoint_permission import FineTuningCheckpointPermission as FineTuningCheckpointPermission
from .errors import OpenAIFTError as OpenAIFTError
from .file import File as File
from .fine_tuned_model import FineTunedModel as FineTunedModel
from .fine_tuning_job import FineTuningJob as FineTuningJob
from .functions import (
    best_checkpoint as best_checkpoint,
)
from .functions import (
    best_checkpoint_output as best_checkpoint_output,
)
from .functions import (
    get_file as get_file,
)
from .functions import (
    get_file_output as get_file_output,
)
from .functions import (
    get_files as get_files,
)
from .functions import (
    get_files_output as get_files_output,
)
from .functions import (
    get_fine_tuning_checkpoint_permissions as get_fine_tuning_checkpoint_permissions,
)
from .functions import (
    get_fine_tuning_checkpoint_permissions_output as get_fine_tuning_checkpoint_permissions_output,
)
from .functions import (
    get_fine_tuning_checkpoints as get_fine_tuning_checkpoints,
)
from .functions import (
    get_fine_tuning_checkpoints_output as get_fine_tuning_checkpoints_output,
)
from .functions import (
    get_fine_tuning_events as get_fine_tuning_events,
)
from .functions import (
    get_fine_tuning_events_output as get_fine_tuning_events_output,
)
from .functions import (
    get_fine_tuning_job as get_fine_tuning_job,
)
from .functions import (
    get_fine_tuning_job_output as get_fine_tuning_job_output,
)
from .functions import (
    get_fine_tuning_jobs as get_fine_tuning_jobs,
)
from .functions import (
    get_fine_tuning_jobs_output as get_fine_tuning_jobs_output,
)
from .functions import (
    get_fine_tuning_metrics as get_fine_tuning_metrics,
)
from .functions import (
    get_fine_tuning_metrics_output as get_fine_tuning_metrics_output,
)
from .functions import (
    get_model as get_model,
)
from .functions import (
    get_model_output as get_model_output,
)
from .functions import (
    get_models as get_models,
)
from .functions import (
    get_models_output as get_models_output,
)
