# `make demo`, `make lint` and `make test` make the virtual environment first and may be repeated.
PYTHON ?= python3.11
VENV ?= .venv
DATA ?= phantom
RUN := $(VENV)/bin/python -m monai.bundle run
CONFIGS := bundles/hagan_128/configs
CROP := $(CONFIGS)/phantom_crop.yaml
EVALUATION := bundles/evaluation/configs
SEGMENTATION := bundles/segresnet_auto3dseg/configs
DEMO := output/demo-$(DATA)
# a tumour that a small network learns to find while one waits
LESIONS := $(if $(filter phantom,$(DATA)),large)
DEMO_DATA := data/$(DATA)$(LESIONS:%=-%)
SEGMENTER := segresnet_auto3dseg
MODEL ?= bundles/$(SEGMENTER)/models/model.pt
LABEL_VENV ?= .venv-label
LABEL_PYTHON = $(abspath $(LABEL_VENV))/bin/python
LABEL_DIR := output/label
SERVED := $(LABEL_DIR)/monaibundle/model/$(SEGMENTER)
NNUNET_VENV ?= .venv-nnunet
HOST ?= 127.0.0.1
PORT ?= 8000
# of make label: 1 serves DATA as DICOM, a folder serves the DICOM in it
DICOM ?=
DICOM_PORT ?= 8042
# threads that wait sleep: on cores that others use too, spinning ones are many times slower
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: help setup install data demo dist label orthanc nnunet test test-label test-nnunet lint format coverage clean

help:
	@echo "make demo [DATA=phantom|registry]  train a small HA-GAN, generate pairs, score and use them"
	@echo "make test [ARGS=FILE…]             run the tests"
	@echo "make setup                         virtual environment and phantom data"
	@echo "make label [MODEL=FILE] [DATA=…]   the segmenter in a MONAI Label server, for 3D Slicer and OHIF"
	@echo "make label DICOM=1|FOLDER          the same with studies as DICOM in Orthanc, which OHIF needs"
	@echo "make test-label                    run the tests of that"
	@echo "make nnunet                        nnU-Net, a judge of generated pairs that is not ours"
	@echo "make test-nnunet                   run the tests of that"
	@echo "make dist                          the bundles as folders and archives that need no checkout"
	@echo "make lint                          style, formatting, types, and what else is wrong with a text"
	@echo "make format | coverage             what ruff mends by itself; which lines no test runs"

setup: install data

install: $(VENV)/.installed

# torch first: its own build is chosen before anything asks for another
$(VENV)/.installed: requirements.txt requirements-clinic.txt requirements-cluster.txt requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet $(PIP_OPTIONS) $$(sed -n 's/^\(torch==[^ ]*\).*/\1/p' requirements.txt)
	$(VENV)/bin/python -m pip install --quiet $(PIP_OPTIONS) -r requirements-dev.txt
	touch $@

data: install
	$(VENV)/bin/python -m common.data prepare --source $(DATA) --output data/$(DATA)

# most of what is installed is never imported by it, and need not be compiled
demo: PIP_OPTIONS := --no-compile
demo: install
	$(VENV)/bin/python -m common.data prepare --source $(DATA) $(LESIONS:%=--lesions %) --output $(DEMO_DATA)
	$(RUN) training --config_file "['$(CONFIGS)/train.yaml','$(CONFIGS)/few_cases.yaml','$(CONFIGS)/demo.yaml','$(CROP)']" \
		--dataset_dir $(DEMO_DATA) --output_dir $(DEMO)
	$(RUN) inferring --config_file "['$(CONFIGS)/inference.yaml','$(CONFIGS)/demo.yaml']" \
		--checkpoint $(DEMO)/model.pt --output_dir $(DEMO)/generated
	$(RUN) analysing --config_file $(EVALUATION)/analyse.yaml \
		--dataset_dir $(DEMO_DATA) --output_dir $(DEMO)/analysis
	$(RUN) evaluating --config_file "['$(EVALUATION)/evaluate.yaml','$(EVALUATION)/demo.yaml']" \
		--dataset_dir $(DEMO_DATA) --generated_dir $(DEMO)/generated --losses $(DEMO)/losses.csv \
		--output_dir $(DEMO)/evaluation
	$(RUN) experiment --config_file "['$(SEGMENTATION)/experiment.yaml','$(SEGMENTATION)/demo.yaml']" \
		--dataset_dir $(DEMO_DATA) --generated_dir $(DEMO)/generated \
		--output_dir $(DEMO)/segmentation
	@echo "Trained on $(DATA), see:"
	@echo "  $(DEMO)/evaluation/report.html        scores of the generated pairs, beside their real-vs-real floor"
	@echo "  $(DEMO)/segmentation/results.html     do the pairs help a segmenter? real cases, and with pairs"
	@echo "  $(DEMO)/analysis/analysis.html        the data set that it was trained on"
	@echo "  $(DEMO)/losses.png                    loss diagram"
	@echo "  $(DEMO)/previews/                     the same samples as training went on"
	@echo "  $(DEMO)/generated/previews/pairs.png  generated pairs"
	@echo "  $(DEMO)/generated/images, labels      the same as NIfTI, with dataset.json and provenance.json"
	@echo "Look at the pairs: $(RUN) viewing --config_file $(EVALUATION)/viewing.yaml --dataset_dir $(DEMO_DATA)" \
		"--generated_dir $(DEMO)/generated --evaluation_dir $(DEMO)/evaluation --output_dir $(DEMO)/viewing"

dist: install
	for bundle in $(notdir $(wildcard bundles/*)); do \
		$(VENV)/bin/python -m common.packaging export $$bundle --output dist || exit 1; done

# gigabytes, and not for everybody; torch first, as sam2 is built with it and would otherwise download one more; the
# bundle's jsonschema last, as pydicom-seg, which MONAI Label requires, asks for one below 4, though it works with this one
$(LABEL_VENV)/.installed: requirements-label.txt
	$(PYTHON) -m venv $(LABEL_VENV)
	$(LABEL_PYTHON) -m pip install --quiet $$(sed -n 's/^\(\(torch\|torchvision\|setuptools\)==[^ ]*\).*/\1/p' requirements-label.txt)
	SAM2_BUILD_CUDA=0 $(LABEL_PYTHON) -m pip install --quiet --no-build-isolation -r requirements-label.txt
	$(LABEL_PYTHON) -m pip install --quiet $$(sed -n 's/^\(jsonschema==[^ ]*\).*/\1/p' requirements.txt)
	touch $@

# made once, as trainings there replace the model: remove $(LABEL_DIR) to begin anew
$(SERVED): | install $(LABEL_VENV)/.installed
	@test -f $(MODEL) || { echo "no $(MODEL): train the segmenter, and name its model with MODEL=…/model.pt"; exit 1; }
	mkdir -p $(LABEL_DIR)
	cd $(LABEL_DIR) && { test -d monaibundle || \
		$(LABEL_PYTHON) -m monailabel.main apps --download --name monaibundle --output .; }
	$(VENV)/bin/python -m common.packaging export $(SEGMENTER) --output $(dir $(SERVED)) --model $(MODEL)

# another source than monaihosting, and no SAM: nothing is downloaded
SERVE = $(LABEL_PYTHON) -m monailabel.main start_server --app monaibundle \
	--conf models $(SEGMENTER) --conf zoo_source local --conf sam2 false --host $(HOST) --port $(PORT)

ifeq ($(DICOM),)
label: data $(SERVED)
	$(VENV)/bin/python -m common.data studies --dataset_dir data/$(DATA) --output $(LABEL_DIR)/studies-$(DATA)
	cd $(LABEL_DIR) && $(SERVE) --studies studies-$(DATA)
else
STUDIES := $(if $(filter 1,$(DICOM)),$(LABEL_DIR)/dicom-$(DATA),$(DICOM))
$(if $(filter 1,$(DICOM))$(wildcard $(DICOM)),,$(error DICOM=$(DICOM) is no folder, expected 1 or a folder of DICOM))
ARCHIVE := $(LABEL_DIR)/archive-$(notdir $(patsubst %/,%,$(STUDIES)))

orthanc:
	@test -e /usr/share/orthanc/plugins/libOrthancDicomWeb.so -o -e /usr/local/share/orthanc/plugins/libOrthancDicomWeb.so \
		|| { echo "no Orthanc with DICOMweb: apt-get install orthanc orthanc-dicomweb"; exit 1; }

$(LABEL_DIR)/dicom-$(DATA): | data
	$(VENV)/bin/python -m common.data studies --dataset_dir data/$(DATA) --output $@.part --form dicom
	mv $@.part $@

# MONAI Label finds dcmqi by the path, forgets within a second what was labelled, and keeps its copies beside the archive
label: orthanc $(SERVED) | $(STUDIES)
	$(VENV)/bin/python -m common.data archive --input $(STUDIES) --output $(ARCHIVE) --port $(DICOM_PORT) --run "env \
		-C $(LABEL_DIR) PATH=$(dir $(LABEL_PYTHON)):$$PATH MONAI_LABEL_DICOMWEB_CACHE_PATH=$(abspath $(ARCHIVE)/copies) \
		MONAI_LABEL_DICOMWEB_CACHE_EXPIRY=1 $(SERVE) --studies http://127.0.0.1:$(DICOM_PORT)/dicom-web"
endif

test-label: install $(LABEL_VENV)/.installed
	OMP_NUM_THREADS=1 LABEL_PYTHON=$(LABEL_PYTHON) \
		$(VENV)/bin/python -m pytest -q tests/bundles/monai_label $(ARGS)

nnunet: $(NNUNET_VENV)/.installed

# torch first, with torchvision: nnU-Net names neither release, and the two must be of one build
$(NNUNET_VENV)/.installed: requirements-nnunet.txt
	$(PYTHON) -m venv $(NNUNET_VENV)
	$(NNUNET_VENV)/bin/python -m pip install --quiet $$(sed -n 's/^\(\(torch\|torchvision\)==[^ ]*\).*/\1/p' requirements-nnunet.txt)
	$(NNUNET_VENV)/bin/python -m pip install --quiet -r requirements-nnunet.txt
	touch $@

test-nnunet: install nnunet
	OMP_NUM_THREADS=1 NNUNET_VENV=$(abspath $(NNUNET_VENV)) $(VENV)/bin/python -m pytest -q tests/bundles/test_nnunet.py $(ARGS)

# a thread for each of two processes: two cores are busy all the time; the bundles, whose files are long, come first
test: install
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

# the slowest last
lint: install
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/python -m tests.lint
	$(VENV)/bin/mypy

format: install
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

coverage: install
	$(VENV)/bin/python -m pytest -q --cov --cov-report=term-missing:skip-covered

clean:
	rm -rf output data/cache
